package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

// addSettings gives a command one flag for every setting, and --config.
func addSettings(c *cobra.Command) {
	c.Flags().String("config", "", "configuration file (YAML)")
	for _, name := range symbolon.Settings() {
		c.Flags().String(name, "", "setting; also "+symbolon.EnvironmentPrefix+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+" (docs/config.md)")
	}
}

// loadSettings reads file, environment and flags, in that order of strength. The data folder is set in any case.
func loadSettings(c *cobra.Command) (symbolon.Config, error) {
	flags := map[string]string{}
	for _, name := range symbolon.Settings() {
		if f := c.Flags().Lookup(name); f != nil && f.Changed {
			flags[name] = f.Value.String()
		}
	}
	path, err := c.Flags().GetString("config")
	if err != nil {
		return symbolon.Config{}, err
	}
	config, err := symbolon.LoadConfig(path, os.Environ(), flags)
	config.Data = cmp.Or(config.Data, symbolon.DefaultData)
	return config, err
}
