package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Prepare the database for this version, ahead of its first start",
		Long: "Bring the schema of the database that database-url names to what this version needs, and say what was done. Servers of this\n" +
			"version and the one before it go on meanwhile. A server does the same at its start if it may; with a role that may not\n" +
			"change the schema, run this first, with one that may.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := loadSettings(c)
			if err != nil {
				return err
			}
			done, err := symbolon.Migrate(c.Context(), config)
			if err != nil {
				return err
			}
			for _, statement := range done {
				fmt.Fprintln(c.OutOrStdout(), statement)
			}
			if len(done) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing to do: the schema is what this version needs")
				return nil
			}
			fmt.Fprintf(c.OutOrStdout(), "%d statements, all done\n", len(done))
			return nil
		},
	}
	addSettings(c)
	return c
}
