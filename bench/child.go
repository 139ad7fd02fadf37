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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/symbolon/symbolon"
)

// childArgument makes this program one of the two servers: bench child bare | bench child symbolon FOLDER ISSUER [PROFILE].
const childArgument = "child"

func runChild(arguments []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() { // the pipe from the parent breaks when the parent dies in whatever way
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if arguments[0] == "bare" {
		return serveBare(ctx, l)
	}
	return serveSymbolon(ctx, l, arguments[1], arguments[2], arguments[3])
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

// serveSymbolon is `symbolon serve` with an organization applied before it listens.
func serveSymbolon(ctx context.Context, l net.Listener, folder, issuer, profile string) error {
	text, err := os.ReadFile(filepath.Join(folder, "organization.yaml"))
	if err != nil {
		return err
	}
	organization, err := symbolon.ParseOrganization("organization.yaml", text)
	if err != nil {
		return err
	}
	s, err := symbolon.New(ctx, symbolon.Config{
		Listen: l.Addr().String(), Data: filepath.Join(folder, "data"), AllowedIssuerOrigins: []string{issuer}, Limits: "off",
		CodeTTL: 10 * time.Minute, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := s.Apply(ctx, organization); err != nil {
		return err
	}
	if profile != "" {
		stop, err := profiling(profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	fmt.Println(l.Addr())
	return s.Serve(ctx, l)
}

// profiling begins a CPU profile at the first SIGUSR1, so that preparations are not in it.
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
	}, nil
}

// child is a server process.
type child struct {
	address string
	process *exec.Cmd
	stdin   io.Closer // the child lives as long as it is open
}

// startChild runs this program as a server and waits until it listens.
func startChild(arguments ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{process: exec.Command(self, append([]string{childArgument}, arguments...)...)}
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
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s server did not start", arguments[0]), c.process.Wait())
	}
	c.address = strings.TrimSpace(line)
	return c, nil
}

// close asks the process to end and waits.
func (c *child) close() {
	_ = c.process.Process.Signal(syscall.SIGTERM)
	_ = c.process.Wait()
}

// clockTick is USER_HZ, which Linux fixes at 100 for user space.
const clockTick = 10 * time.Millisecond

// cpu is the processor time the process has used, all threads, user and system.
func (c *child) cpu() (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.process.Process.Pid) + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has another form")
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick, errors.Join(errUser, errSystem)
}

// memory is the resident size in MiB now, and at its highest.
func (c *child) memory() (now, peak string) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(c.process.Process.Pid) + "/status")
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "VmRSS":
			now = strings.TrimSpace(value)
		case "VmHWM":
			peak = strings.TrimSpace(value)
		}
	}
	return now, peak
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
