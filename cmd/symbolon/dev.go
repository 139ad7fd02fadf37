package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func devCommand() *cobra.Command {
	var seed string
	var printOrganization bool
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a development server with an organization in it",
		Long: "Run a development server on loopback. The first start makes an organization, an administrator's access key and a user's\n" +
			"password; later starts on the same folder keep them, and the address. `symbolon env` prints what to paste.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if printOrganization {
				_, err := c.OutOrStdout().Write(symbolon.BuiltinOrganization())
				return err
			}
			return runDev(c, seed)
		},
	}
	addSettings(c)
	c.Flags().StringVar(&seed, "seed", "", "organization file in place of the built-in one")
	c.Flags().BoolVar(&printOrganization, "print-organization", false, "print the built-in organization and exit")
	return c
}

func runDev(c *cobra.Command, seed string) error {
	config, err := loadSettings(c)
	if err != nil {
		return err
	}
	config.Development = true
	organization, err := readOrganization(seed)
	if err != nil {
		return err
	}
	state, err := symbolon.PrepareDevelopment(config.Data)
	if err != nil {
		return err
	}
	l, err := listenDev(&config, state)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	return runServer(c.Context(), out, config, l, func(ctx context.Context, s *symbolon.Server) error {
		if err := s.Seed(ctx, organization, &state); err != nil {
			return err
		}
		if err := state.Write(config.Data); err != nil {
			return err
		}
		fmt.Fprintf(out, "# paste this, or run: eval \"$(symbolon env --data %s)\"\n", config.Data)
		printShell(out, environment(state))
		return nil
	})
}

func readOrganization(path string) (*symbolon.Organization, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return symbolon.ParseOrganization(path, text)
}

// listenDev listens where it is told to; else where this folder was served last; else on the default port, or any free one if
// another server has that.
func listenDev(config *symbolon.Config, state symbolon.Development) (net.Listener, error) {
	if config.Listen != "" {
		return listen(config, config.Listen)
	}
	if state.Address != "" {
		l, err := listen(config, state.Address)
		if err != nil {
			return nil, fmt.Errorf("%w\nEither another server runs on %s, or another program has the folder's address, which is kept because its tokens name it;\n"+
				"--listen moves it", err, config.Data)
		}
		return l, nil
	}
	l, err := listen(config, symbolon.DefaultListen)
	if err != nil {
		return listen(config, "127.0.0.1:0")
	}
	return l, nil
}
