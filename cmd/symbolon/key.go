package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "List, rotate and retire keys, and change the master key",
		Long: "List, rotate and retire the keys of a store, and change the master key they are sealed under. With a server running on the\n" +
			"same data folder the commands go through that server; else they open the store themselves.",
	}
	c.AddCommand(keyListCommand(), keyRotateCommand(), keyRetireCommand(), keyRewrapCommand())
	return c
}

func keyListCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the keys, never what they are",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format is %q, neither text nor json", format)
			}
			report, err := orderKeys(c, symbolon.KeyOrder{Verb: symbolon.ListKeys})
			if err != nil {
				return err
			}
			if format == "json" {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(report)
			}
			return printKeys(c.OutOrStdout(), report)
		},
	}
	addSettings(c)
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

func keyRotateCommand() *cobra.Command {
	var all, now bool
	c := &cobra.Command{
		Use:   "rotate [KIND...]",
		Short: "Make the next key of a kind",
		Long: "Make the next key of a kind (ES256, RS256, access-mac, refresh-mac, role-session, identity-context, paging-mac, browser-mac,\n" +
			"data). A signing key is published now and used after 15 minutes, any other is used after 5 seconds; --now uses it at once. The\n" +
			"key before it goes on verifying until the last thing made with it has expired.",
		RunE: func(c *cobra.Command, kinds []string) error {
			if all == (len(kinds) > 0) {
				return errors.New("name the kinds to rotate, or give --all")
			}
			report, err := orderKeys(c, symbolon.KeyOrder{Verb: symbolon.RotateKeys, Kinds: kinds, Now: now})
			if report != nil {
				for _, k := range report.Keys {
					fmt.Fprintln(c.OutOrStdout(), madeKey(k))
				}
			}
			return err
		},
	}
	addSettings(c)
	c.Flags().BoolVar(&all, "all", false, "rotate every kind")
	c.Flags().BoolVar(&now, "now", false, "in an emergency: the new key is current at once")
	return c
}

func keyRetireCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "retire ID",
		Short: "End a key now, with all that was made with it",
		Long: "End a key now, for an emergency: nothing made with it is accepted from this moment (other nodes: within a second), and it leaves\n" +
			"the JWKS. The current key of a kind is refused: rotate it first, or give --force, which does both.\n\n" +
			"An id that begins with a hyphen stands behind two more: symbolon key retire -- -id.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			report, err := orderKeys(c, symbolon.KeyOrder{Verb: symbolon.RetireKey, ID: args[0], Force: force})
			if report != nil && len(report.Keys) > 0 {
				fmt.Fprintf(c.OutOrStdout(), "retired the %s key %s: %s\n", report.Keys[0].Purpose, report.Keys[0].ID, report.Ends)
				for _, k := range report.Keys[1:] {
					fmt.Fprintln(c.OutOrStdout(), madeKey(k))
				}
			}
			return err
		},
	}
	addSettings(c)
	c.Flags().BoolVar(&force, "force", false, "the current key, too; a new one replaces it at once")
	return c
}

// orderKeys has an order carried out on the store that the command's settings name.
func orderKeys(c *cobra.Command, o symbolon.KeyOrder) (*symbolon.KeyReport, error) {
	config, err := loadSettings(c)
	if err != nil {
		return nil, err
	}
	return symbolon.OrderKeys(c.Context(), config, o)
}

// madeKey says what was made, and from when on it is used.
func madeKey(k symbolon.Key) string {
	if k.State == "published" {
		return fmt.Sprintf("made the %s key %s, in use from %s on", k.Purpose, k.ID, k.FirstUse.Format(time.RFC3339))
	}
	return fmt.Sprintf("made the %s key %s, in use now", k.Purpose, k.ID)
}

func printKeys(out io.Writer, report *symbolon.KeyReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tALGORITHM\tSTATE\tID\tCREATED\tFIRST USE\tENDS")
	for _, k := range report.Keys {
		ends := "-"
		if !k.RetireAt.IsZero() {
			ends = k.RetireAt.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Purpose, k.Algorithm, k.State, k.ID,
			k.CreatedAt.Format(time.RFC3339), k.FirstUse.Format(time.RFC3339), ends)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range report.MasterKeys {
		fmt.Fprintf(out, "master key %s since %s%s\n", m.Fingerprint, m.Since.Format(time.RFC3339), map[bool]string{true: ", in use by this server"}[m.InUse])
	}
	return nil
}
