package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup FILE|FOLDER",
		Short: "Back up the embedded store while the server serves",
		Long: "Write a consistent copy of the embedded store into a new file: through the server that runs on the data folder, or directly when\n" +
			"none does. A file that exists is never replaced; in a folder the file is named after the time.\n\n" +
			"The master key is not in the backup. Keep a copy of it in another place: without it a backup opens for nobody, and with it\n" +
			"for everybody. Nor is the audit log, which is a file to be archived by itself.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := loadSettings(c)
			if err != nil {
				return err
			}
			name, m, err := symbolon.TakeBackup(c.Context(), config, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %d KiB, store of %s, instances %v\nsealed under the master key with the fingerprint %s, which is not in it\n",
				name, m.DatabaseSize>>10, m.Time.Format(time.RFC3339), m.Instances, strings.Join(m.MasterKeys, " or "))
			return nil
		},
	}
	addSettings(c)
	return c
}
