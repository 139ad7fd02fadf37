package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestMistypedCommands: what is no command or argument is refused, wherever it stands, and is never taken for a question for help.
func TestMistypedCommands(t *testing.T) {
	for typed, want := range map[string]string{
		"ky":                   `unknown command "ky" for "symbolon"`,
		"key retrie x":         `unknown command "retrie" for "symbolon key"`,
		"key foo":              `unknown command "foo" for "symbolon key"`,
		"key":                  "symbolon key: say what to do: list, retire, rewrap, rotate",
		"key list x":           `unknown command "x" for "symbolon key list"`,
		"key rewrap x":         `unknown command "x" for "symbolon key rewrap"`,
		"key retire":           "accepts 1 arg(s), received 0",
		"key retire a b":       "accepts 1 arg(s), received 2",
		"key --nonesuch":       "unknown flag: --nonesuch",
		"serve now":            `unknown command "now" for "symbolon serve"`,
		"dev now":              `unknown command "now" for "symbolon dev"`,
		"demo now":             `unknown command "now" for "symbolon demo"`,
		"env now":              `unknown command "now" for "symbolon env"`,
		"migrate now":          `unknown command "now" for "symbolon migrate"`,
		"version now":          `unknown command "now" for "symbolon version"`,
		"apply":                "accepts 1 arg(s), received 0",
		"apply a b":            "accepts 1 arg(s), received 2",
		"backup":               "accepts 1 arg(s), received 0",
		"backup a b":           "accepts 1 arg(s), received 2",
		"restore a b":          "accepts at most 1 arg(s), received 2",
		"doctor a b":           "accepts at most 1 arg(s), received 2",
		"help nonesuch":        `unknown help topic "nonesuch"`,
		"help key nonesuch":    `unknown help topic "key nonesuch"`,
		"completion":           "symbolon completion: say what to do: bash, fish, powershell, zsh",
		"completion nonesuch":  `unknown command "nonesuch" for "symbolon completion"`,
		"completion bash more": `unknown command "more" for "symbolon completion bash"`,
	} {
		c := newCommand()
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		c.SetArgs(strings.Fields(typed))
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("symbolon %s: %v, want %s", typed, err, want)
		}
	}
	for _, typed := range []string{"", "help", "help key", "help key list", "key --help", "key list --help", "--version"} {
		c := newCommand()
		var out bytes.Buffer
		c.SetOut(&out)
		c.SetArgs(strings.Fields(typed))
		if err := c.ExecuteContext(t.Context()); err != nil || out.Len() == 0 {
			t.Errorf("symbolon %s: %v, %d bytes", typed, err, out.Len())
		}
	}
}
