package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/symbolon/symbolon"
)

// childArgument makes this program one of the servers: bench child CONFIG, where CONFIG is a childConfig in JSON.
const childArgument = "child"

// childConfig says which server a child is, and of what.
type childConfig struct {
	Kind         string
	Folder       string
	Issuer       string
	Organization string // a file to apply before listening; none if empty
	Profile      string // a file for the CPU profile; none if empty
	Database     string // a PostgreSQL URL; the embedded store if empty
}

// The kinds of children.
const (
	bareServer     = "bare"
	symbolonServer = "symbolon"
)

func runChild(arguments []string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(arguments[0]), &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() { // the pipe from the parent breaks when the parent dies in whatever way
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(string(mustJSON(readUsage()))) // whatever it says, it asks for this
		}
		end()
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if c.Kind == bareServer {
		return serveBare(ctx, l)
	}
	return serveSymbolon(ctx, l, c)
}

// serveBare is the yardstick: read a small POST, write a small fixed JSON.
func serveBare(ctx context.Context, l net.Listener) error {
	fixed := []byte(`{"fixed":"` + strings.Repeat("x", 1400-12) + `"}`)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return // the client is gone
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(fixed)
	})}
	fmt.Println(l.Addr())
	go func() {
		<-ctx.Done()
		s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveSymbolon is `symbolon serve`, with an organization applied before it listens if there is one.
func serveSymbolon(ctx context.Context, l net.Listener, c childConfig) (err error) {
	s, err := symbolon.New(ctx, symbolon.Config{
		Listen: l.Addr().String(), Data: filepath.Join(c.Folder, "data"), DatabaseURL: c.Database, AllowedIssuerOrigins: []string{c.Issuer}, Limits: "off",
		CodeTTL: 10 * time.Minute, DrainDelay: new(time.Duration), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := apply(ctx, s, c.Organization); err != nil {
		return err
	}
	if c.Profile != "" {
		stop, err := profiling(c.Profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	fmt.Println(l.Addr())
	return s.Serve(ctx, l)
}

func apply(ctx context.Context, s *symbolon.Server, file string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	organization, err := symbolon.ParseOrganization(file, text)
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx, organization)
	return err
}

// profiling begins a CPU profile at the first SIGUSR1, so that preparations are not in it. Beside it, at the end, comes a profile of
// memory, PATH.memory: what was allocated since the start, and what lived at the end.
func profiling(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	var once sync.Once
	go func() {
		<-begin
		once.Do(func() { err = pprof.StartCPUProfile(f) })
	}()
	return func() {
		pprof.StopCPUProfile()
		f.Close()
		if m, err := os.Create(path + ".memory"); err == nil {
			_ = pprof.WriteHeapProfile(m) // a profile that is missing is seen to be
			m.Close()
		}
	}, nil
}

// child is a server process.
type child struct {
	address string
	process *exec.Cmd
	stdin   io.WriteCloser // the child lives as long as it is open
	stdout  *bufio.Reader
}

// startChild runs this program as a server and waits until it listens.
func startChild(config childConfig) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{process: exec.Command(self, childArgument, string(mustJSON(config)))}
	c.process.Stderr = os.Stderr
	if c.stdin, err = c.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	c.stdout = bufio.NewReader(out)
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s server did not start", config.Kind), c.process.Wait())
	}
	c.address = strings.TrimSpace(line)
	return c, nil
}

// close asks the process to end and waits.
func (c *child) close() {
	_ = c.process.Process.Signal(syscall.SIGTERM)
	_ = c.process.Wait()
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
