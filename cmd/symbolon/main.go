// Command symbolon runs and operates a Symbolon server: demo, dev, serve, env, apply, key, backup, restore, doctor, migrate, version.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is main with an exit code, so that tests can be symbolon too.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "symbolon:", err)
		return 1
	}
	return 0
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "symbolon",
		Short: "An open, self-hosted AWS IAM Identity Center token service",
		Long: "Symbolon answers CreateTokenWithIAM and the APIs around it for unmodified AWS SDKs, the AWS CLI and Terraform.\n\n" +
			"Begin with `symbolon demo`; work with `symbolon dev`; run `symbolon serve`.",
		Version:      buildVersion(),
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetVersionTemplate(versionLine())
	root.AddCommand(demoCommand(), devCommand(), serveCommand(), envCommand(), applyCommand(), keyCommand(), backupCommand(), restoreCommand(),
		doctorCommand(), migrateCommand(), versionCommand())
	refuseMistyped(root)
	return root
}
