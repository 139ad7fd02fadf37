package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a production server",
		Long: "Run a production server on the embedded store, or on the PostgreSQL database that many share (database-url). Settings\n" +
			"come from --config, the environment and flags (docs/config.md).",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := loadSettings(c)
			if err != nil {
				return err
			}
			if symbolon.IsDevelopment(config.Data) {
				return fmt.Errorf("%s is a development folder; serve does not run on one", config.Data)
			}
			l, err := listen(&config, cmp.Or(config.Listen, symbolon.DefaultListen))
			if err != nil {
				return err
			}
			return runServer(c.Context(), c.OutOrStdout(), config, l, func(context.Context, *symbolon.Server) error { return nil })
		},
	}
	addSettings(c)
	return c
}

// listen opens the listener and puts its real address into the config, so that the issuer is right from the start.
func listen(config *symbolon.Config, address string) (net.Listener, error) {
	if err := symbolon.CheckListen(address); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	config.Listen = l.Addr().String()
	return l, nil
}

// runServer builds the server, lets ready prepare it, and serves until ctx ends, be it during the start. Requests that arrive before ready
// is done wait in the listener's queue.
func runServer(ctx context.Context, out io.Writer, config symbolon.Config, l net.Listener, ready func(context.Context, *symbolon.Server) error) (err error) {
	defer l.Close()
	if config.Version = buildVersion(); config.Log == nil {
		if config.Log, err = config.NewLog(os.Stderr); err != nil {
			return err
		}
		slog.SetDefault(config.Log)
	}
	s, err := symbolon.New(ctx, config)
	if err != nil {
		return unlessEnding(ctx, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.OpenCertificate(); err != nil {
		return err
	}
	if err := s.Join(ctx); err != nil {
		return unlessEnding(ctx, err)
	}
	stopControl, err := s.StartControl(config.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopControl()) }()
	_, stopAdmin, err := s.StartAdmin()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopAdmin()) }()
	if err := ready(ctx, s); err != nil {
		return unlessEnding(ctx, err)
	}
	defer reloadOnHangup(s)()
	defer supervised(ctx)()
	fmt.Fprintf(out, "symbolon serves %s\n", s.Issuer())
	return s.Serve(ctx, l)
}

// unlessEnding is the fault of a start, or nil where all that is wrong is that the server was told to end: so it does.
func unlessEnding(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// reloadOnHangup begins a new audit log, for log rotation, and reads the TLS certificate again at SIGHUP, until stop.
func reloadOnHangup(s *symbolon.Server) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangup:
				if err := s.Reload(); err != nil {
					slog.Error("what cannot be taken up stays as it was", "error", err)
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(done)
	}
}
