package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// firstToken starts the program on an empty folder, with an organization as small as can be, and gets one token by jwt-bearer. It is
// `symbolon dev`, since no other command takes its organization at the first start; what it does beside `symbolon serve` (its own file of
// credentials, an administrator) is measured with it. The application's ARN is asked of the server, before the token.
func (l *lab) firstToken(ctx context.Context, program, name string) (took time.Duration, resident int64, err error) {
	folder := filepath.Join(l.folder, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, 0, err
	}
	seed := filepath.Join(folder, "organization.yaml")
	if err := os.WriteFile(seed, organization(1, 0, l.issuer.url), 0o600); err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	server, err := startProgram(program, "dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(folder, "data"), "--seed", seed)
	if err != nil {
		return 0, 0, err
	}
	defer server.close()
	if err := l.oneToken(ctx, server); err != nil {
		return 0, 0, err
	}
	took = time.Since(begun)
	time.Sleep(time.Second)
	resident, err = residentOf(server.process.Process.Pid)
	return took, resident, err
}

// oneToken is what a client does that knows a server's address and the application's name.
func (l *lab) oneToken(ctx context.Context, server *child) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	e := exchanger{conn: conn, buffer: make([]byte, 32<<10)}
	w := &world{lab: l, symbolon: server, apps: map[string]string{}}
	request, err := w.applicationList()
	if err != nil {
		return err
	}
	status, body, err := e.exchange(request)
	if err != nil || status != 200 {
		return errors.Join(err, fmt.Errorf("ListApplications: HTTP %d %s", status, body))
	}
	if err := w.readApplications(body); err != nil {
		return err
	}
	requests, err := w.assertions(1, "ES256", plain, email)
	if err != nil {
		return err
	}
	if status, body, err = e.exchange(requests[0]); err != nil || status != 200 {
		return errors.Join(err, fmt.Errorf("the first token: HTTP %d %s", status, body))
	}
	return nil
}

// startProgram runs symbolon until it says that it serves.
func startProgram(path string, arguments ...string) (*child, error) {
	c := &child{process: exec.Command(path, arguments...)}
	var complaint strings.Builder
	c.process.Stderr = &complaint
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	c.stdout = bufio.NewReader(out)
	for {
		line, err := c.stdout.ReadString('\n')
		if err != nil {
			return nil, errors.Join(errors.New("symbolon did not start"), c.process.Wait(), errors.New(complaint.String()))
		}
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), "symbolon serves http://"); ok {
			c.address = address
			return c, nil
		}
	}
}

// buildProgram builds symbolon as it is released, static and stripped, or as tests do, which is quicker where other tests have run.
func (l *lab) buildProgram(ctx context.Context) (path string, err error) {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/symbolon/symbolon").Output()
	if err != nil {
		return "", err
	}
	path = filepath.Join(l.folder, "symbolon")
	arguments, environment := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/symbolon"}, append(os.Environ(), "CGO_ENABLED=0")
	if l.unreleased {
		arguments, environment = []string{"build", "-o", path, "./cmd/symbolon"}, os.Environ()
	}
	build := exec.CommandContext(ctx, "go", arguments...)
	build.Dir = strings.TrimSpace(string(module)) // its own go.mod has what the commands need
	build.Env, build.Stderr = environment, os.Stderr
	return path, build.Run()
}
