package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// refuseMistyped makes every command that has commands below it refuse what is none of them, and being called alone: left to itself cobra
// prints help for both and ends well, and a script takes that for done. The root alone is still help.
func refuseMistyped(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			refuseUnknownTopics(c)
		} else if c.HasSubCommands() {
			c.Args, c.RunE, c.DisableFlagsInUseLine = refuseUnknown, sayWhat, true
		}
	}
}

// refuseUnknown is what cobra does about the root's commands.
func refuseUnknown(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

func sayWhat(c *cobra.Command, _ []string) error {
	var names []string
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			names = append(names, below.Name())
		}
	}
	return fmt.Errorf("%s: say what to do: %s", c.CommandPath(), strings.Join(names, ", "))
}

func refuseUnknownTopics(help *cobra.Command) {
	show := help.Run
	help.RunE = func(c *cobra.Command, args []string) error {
		if topic, rest, err := c.Root().Find(args); err != nil || topic == nil || len(rest) > 0 {
			return fmt.Errorf("unknown help topic %q", strings.Join(args, " "))
		}
		show(c, args)
		return nil
	}
}
