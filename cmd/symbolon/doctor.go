package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

// errFaults makes the exit code tell, after the lines have told the rest.
var errFaults = errors.New("there are faults")

func doctorCommand() *cobra.Command {
	var only []string
	var format string
	c := &cobra.Command{
		Use:   "doctor [REQUEST-ID]",
		Short: "Examine the installation, or explain why a request was refused",
		Long: "Examine settings, files, certificate, audit log (the chain of all its files), store, keys, trusted token issuers and clock, and\n" +
			"say what to do. Nothing is changed; a server may run, and is then asked. Exits with 1 if there is a fault. Before a deployment it\n" +
			"checks a configuration: symbolon doctor --config new.yaml --only config\n\n" +
			"With the id of a request (x-amzn-RequestId of its answer) it finds the event in the audit log, rotated files included, and says\n" +
			"which check refused the request, which policy statement, and what would have let it pass.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format is %q, neither text nor json", format)
			}
			config, faults := loadSettings(c)
			if len(args) == 1 {
				if faults != nil {
					return faults
				}
				explanations, err := symbolon.ExplainRequest(c.Context(), config, args[0])
				if err != nil {
					return err
				}
				return show(c, format, explanations)
			}
			d, err := symbolon.Doctor(c.Context(), config, faults, only)
			if err != nil {
				return err
			}
			if err := show(c, format, d); err != nil || d.Faults == 0 {
				return err
			}
			return errFaults
		},
	}
	addSettings(c)
	c.Flags().StringSliceVar(&only, "only", nil, "only these checks, of "+strings.Join(symbolon.DoctorChecks(), ", "))
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

// show prints a value for people or for programs.
func show(c *cobra.Command, format string, value fmt.Stringer) error {
	if format == "text" {
		_, err := fmt.Fprint(c.OutOrStdout(), value)
		return err
	}
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
