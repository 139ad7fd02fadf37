package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func applyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "apply FILE",
		Short: "Bring an organization into the state a file declares",
		Long: "Bring an organization into the state a file declares, and say what changed. All of it applies or none. With a server\n" +
			"running on the same data folder it goes through that server; else it opens the store itself.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := loadSettings(c)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			organization, err := symbolon.ParseOrganization(args[0], text)
			if err != nil {
				return err
			}
			report, err := symbolon.ApplyThrough(c.Context(), config.Data, text)
			if errors.Is(err, symbolon.ErrNoServer) {
				report, err = applyDirectly(c.Context(), config, organization)
			}
			if report != nil {
				fmt.Fprint(c.OutOrStdout(), report)
			}
			return err
		},
	}
	addSettings(c)
	return c
}

// applyDirectly opens the store of the folder, which no server holds.
func applyDirectly(ctx context.Context, config symbolon.Config, o *symbolon.Organization) (report *symbolon.Report, err error) {
	config.Development = symbolon.IsDevelopment(config.Data)
	s, err := symbolon.New(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Apply(ctx, o)
}
