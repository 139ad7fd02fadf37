package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the four grants working, with nothing to prepare",
		Long: "Start a server and a small trusted token issuer in a temporary folder, get a token by each of the four grants with really\n" +
			"signed requests, take one token to STS for role credentials, and show each step. Nothing is left behind.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c.Context(), c.OutOrStdout()) },
	}
}

// demo is one run: a server, an issuer, and what the steps hand on to each other.
type demo struct {
	out    io.Writer
	client *demoClient
	issuer *demoIssuer
	state  symbolon.Development

	portal, worker, reports string // application ARNs
}

func runDemo(ctx context.Context, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "symbolon-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	issuer, err := startDemoIssuer()
	if err != nil {
		return err
	}
	defer issuer.close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	d := &demo{out: out, issuer: issuer}
	if d.state, err = symbolon.PrepareDevelopment(folder); err != nil {
		return err
	}
	s, err := symbolon.New(ctx, symbolon.Config{
		Listen: l.Addr().String(), Data: folder, Development: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := d.prepare(ctx, s); err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Serve(serving, l) }()
	defer func() { stop(); err = errors.Join(err, <-done) }()
	return d.run(ctx)
}

// demoOrganization has three applications: one that signs users in, one that takes assertions, one that takes the first one's tokens.
const demoOrganization = `
instance: { name: demo, account: "111122223333" }
users:
  - { userName: alice, displayName: Alice Anderson, givenName: Alice, familyName: Anderson, email: alice@example.com }
groups:
  - { name: engineers, members: [alice] }
trustedTokenIssuers:
  - { name: demo-issuer, issuerUrl: "ISSUER", claim: email, attribute: emails.value }
applications:
  - name: portal
    actors: ["111122223333"]
    grants: { authorizationCode: { redirectUris: ["http://127.0.0.1/callback"] }, refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { groups: [engineers] }
  - name: worker
    actors: ["111122223333"]
    grants: { jwtBearer: [ { issuer: demo-issuer, audiences: ["demo-worker"] } ], refreshToken: true }
    assignments: { users: [alice] }
  - name: reports
    actors: ["111122223333"]
    grants: { tokenExchange: true }
    scopes: [ { scope: "reports:read" } ]
    assignments: { groups: [engineers] }
iam:
  roles:
    - name: report-reader
      trustPolicy:
        Version: "2012-10-17"
        Statement: [ { Effect: Allow, Principal: { AWS: "111122223333" }, Action: ["sts:AssumeRole", "sts:SetContext"] } ]
`

func (d *demo) prepare(ctx context.Context, s *symbolon.Server) error {
	o, err := symbolon.ParseOrganization("demo", []byte(strings.ReplaceAll(demoOrganization, "ISSUER", d.issuer.url)))
	if err != nil {
		return err
	}
	d.state.User, o.Users[0].Password = o.Users[0].UserName, d.state.Password
	if err := s.Seed(ctx, o, &d.state); err != nil {
		return err
	}
	d.client = newDemoClient(d.state)
	return nil
}

// run performs the steps in order; each prints what it did.
func (d *demo) run(ctx context.Context) error {
	if err := d.findApplications(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "A server at %s, a trusted token issuer at %s, both on this machine only.\n", d.state.Issuer, d.issuer.url)
	code, err := d.authorizationCode(ctx)
	if err != nil {
		return fmt.Errorf("authorization_code: %w", err)
	}
	if err := d.refreshToken(ctx, code); err != nil {
		return fmt.Errorf("refresh_token: %w", err)
	}
	bearer, err := d.jwtBearer(ctx)
	if err != nil {
		return fmt.Errorf("jwt-bearer: %w", err)
	}
	if err := d.tokenExchange(ctx, code); err != nil {
		return fmt.Errorf("token-exchange: %w", err)
	}
	if err := d.assumeRole(ctx, bearer); err != nil {
		return fmt.Errorf("AssumeRole: %w", err)
	}
	fmt.Fprintf(d.out, "\nAll four grants work. Next: symbolon dev\n")
	return nil
}

// findApplications learns the applications' ARNs through ListApplications, as any client would.
func (d *demo) findApplications(ctx context.Context) error {
	var list struct {
		Applications []struct{ ApplicationArn, Name string }
	}
	if err := d.client.json11(ctx, "sso", "SWBExternalService.ListApplications", map[string]any{"InstanceArn": d.state.InstanceARN}, &list); err != nil {
		return err
	}
	for _, a := range list.Applications {
		switch a.Name {
		case "portal":
			d.portal = a.ApplicationArn
		case "worker":
			d.worker = a.ApplicationArn
		case "reports":
			d.reports = a.ApplicationArn
		}
	}
	return nil
}
