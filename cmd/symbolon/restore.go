package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func restoreCommand() *cobra.Command {
	var options symbolon.RestoreOptions
	var mark bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Restore a backup, ending every token from before",
		Long: "Put a backup into the data folder, where no server may run. The master key of its time must be there already (master.key in\n" +
			"the folder, or --master-key-file). The backup is checked first; the folder gets it whole or not at all.\n\n" +
			"An older store knows nothing of what has been used since. So a restore ends every token, code, sign-in session and role\n" +
			"credential from before, and assertions issued before are refused for a day. JSON Web Tokens that resource servers verify by\n" +
			"themselves last until they expire. What was switched off after the backup is on again.\n\n" +
			"With --mark nothing is restored: a store that was restored by other means (a database server's own, a file put back by hand)\n" +
			"gets the same protection.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := loadSettings(c)
			if err != nil {
				return err
			}
			if mark == (len(args) == 1) || mark && (options.Replace || options.CheckOnly) {
				return errors.New("give a backup's file, or --mark alone")
			}
			if mark {
				done, err := symbolon.MarkRestored(c.Context(), config)
				if err == nil {
					fmt.Fprint(c.OutOrStdout(), done)
				}
				return err
			}
			done, err := symbolon.Restore(c.Context(), config, args[0], options)
			switch {
			case err != nil:
				return err
			case options.CheckOnly:
				fmt.Fprintf(c.OutOrStdout(), "%s is good: %v of %s\n", args[0], done.Backup.Instances, done.Backup.Time.Format("2006-01-02T15:04:05Z07:00"))
			default:
				fmt.Fprint(c.OutOrStdout(), done)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&options.Replace, "replace", false, "replace the store that is there, keeping it aside")
	c.Flags().BoolVar(&options.CheckOnly, "check", false, "only check that the backup could be restored with this master key; a server may run")
	c.Flags().BoolVar(&mark, "mark", false, "restore nothing: end every token of a store that was restored by other means")
	addSettings(c)
	return c
}
