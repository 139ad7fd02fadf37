package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func keyRewrapCommand() *cobra.Command {
	var next symbolon.MasterKeySource
	var finish, cancel, force bool
	c := &cobra.Command{
		Use:   "rewrap",
		Short: "Change the master key while servers run",
		Long: "Change the master key, in three steps. First, `symbolon key rewrap --new-master-key-file FILE`: from then on the store opens with\n" +
			"the new master key as well as with the old one. Second, give every server the new master key and restart it, one after the other.\n" +
			"Third, `symbolon key rewrap --finish`: the old master key opens nothing any more. Each step may be repeated. --cancel, in place of\n" +
			"the second, goes back.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			order := symbolon.KeyOrder{Verb: symbolon.Rewrap}
			given := next.File != "" || next.Env != "" || len(next.Command) > 0
			switch {
			case finish && !cancel && !given:
				order.Verb, order.Force = symbolon.FinishRewrap, force
			case cancel && !finish && !given:
				order.Verb, order.Force = symbolon.CancelRewrap, force
			case finish || cancel || !given:
				return errors.New("give the new master key (--new-master-key-file, -env or -command), or --finish, or --cancel")
			default:
				key, err := next.Read(c.Context(), true)
				if err != nil {
					return fmt.Errorf("new %w", err)
				}
				defer clear(key)
				order.NewMasterKey = key
			}
			report, err := orderKeys(c, order)
			if err != nil {
				return err
			}
			printRewrap(c, report)
			return nil
		},
	}
	addSettings(c)
	c.Flags().StringVar(&next.File, "new-master-key-file", "", "file that holds the new master key, 32 bytes in base64")
	c.Flags().StringVar(&next.Env, "new-master-key-env", "", "environment variable that holds it")
	c.Flags().StringSliceVar(&next.Command, "new-master-key-command", nil, "program, and its arguments behind commas, that prints it")
	c.Flags().BoolVar(&finish, "finish", false, "end the change: the old master key opens nothing any more")
	c.Flags().BoolVar(&force, "force", false, "finish, or cancel, although a server still runs with the master key that is withdrawn")
	c.Flags().BoolVar(&cancel, "cancel", false, "undo the change: the new master key opens nothing any more")
	return c
}

func printRewrap(c *cobra.Command, report *symbolon.KeyReport) {
	out := c.OutOrStdout()
	if len(report.MasterKeys) == 1 {
		fmt.Fprintf(out, "the store opens with the master key %s alone\n", report.MasterKeys[0].Fingerprint)
		return
	}
	fmt.Fprintf(out, "the store opens with the master key %s and with the new one, %s\n"+
		"next: give every server the new master key and restart it, one after the other; then: symbolon key rewrap --finish\n",
		report.MasterKeys[0].Fingerprint, report.MasterKeys[1].Fingerprint)
}
