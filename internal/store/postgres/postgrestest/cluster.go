package postgrestest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is one PostgreSQL server and its data. Its methods may be called by one goroutine at a time, except URL,
// NewDatabase and Run.
type Cluster struct {
	address  string // of a server that is not ours; the fields below are then empty
	programs string // folder of the programs
	folder   string
	password string
	port     int
	owner    *owner

	mu      sync.Mutex
	running *process
}

// process is a server under way.
type process struct {
	command *exec.Cmd
	keeper  *exec.Cmd
	release io.WriteCloser // to the keeper
	ended   chan struct{}
}

const startTimeout = time.Minute

// New makes and starts a cluster; ErrMissing without the programs. Close ends it.
func New(o Options) (*Cluster, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	c := &Cluster{programs: programs, password: rand.Text()}
	if c.owner, err = findOwner(); err != nil {
		return nil, err
	}
	if c.folder, err = os.MkdirTemp(o.Folder, "symbolon-postgres-"); err != nil {
		return nil, err
	}
	if err := c.initialize(o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	return c, nil
}

// initialize makes the data folder.
func (c *Cluster) initialize(o Options) error {
	secret := filepath.Join(c.folder, "password")
	if err := errors.Join(os.WriteFile(secret, []byte(c.password), 0o600), c.owner.give(c.folder, secret)); err != nil {
		return err
	}
	make := exec.Command(filepath.Join(c.programs, "initdb"), "-D", c.data(), "-U", "postgres", "-A", "password", "--pwfile", secret,
		"-E", "UTF8", "--no-locale", "--no-sync")
	make.SysProcAttr = c.owner.attributes()
	make.Dir = c.folder
	if out, err := make.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return c.Configure(o.settings())
}

func (o Options) settings() map[string]string {
	all := map[string]string{"max_connections": "200"}
	if !o.Fsync {
		all["fsync"], all["full_page_writes"] = "off", "off"
	}
	for name, value := range o.Settings {
		all[name] = value
	}
	return all
}

// Configure adds settings to postgresql.conf, which count from the next start on.
func (c *Cluster) Configure(settings map[string]string) error {
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for name, value := range settings {
		fmt.Fprintf(f, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	return f.Close()
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// URL is that of the database postgres, as superuser.
func (c *Cluster) URL() string {
	if c.address != "" {
		return c.address
	}
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", c.password, c.port)
}

// Port is the server's on 127.0.0.1; it stays the same over restarts.
func (c *Cluster) Port() int { return c.port }

// PID is the server's process, 0 if it does not run. Its children are the backends.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return 0
	}
	return c.running.command.Process.Pid
}

// Running says whether the server has been started and not stopped.
func (c *Cluster) Running() bool { return c.address != "" || c.PID() != 0 }

// Log is what the server has written to its log so far.
func (c *Cluster) Log() string {
	text, err := os.ReadFile(filepath.Join(c.folder, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Start starts the server and returns once it answers. The first start chooses a free port.
func (c *Cluster) Start() error {
	deadline := time.Now().Add(startTimeout)
	first := c.port == 0
	for {
		if first {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.port = port
		}
		before := len(c.Log())
		err := c.start(deadline)
		if err == nil {
			return nil
		}
		said := c.Log()[min(before, len(c.Log())):]
		// Another program was quicker to take the port, or children of a server that was killed have not noticed yet.
		passing := first && strings.Contains(said, "could not bind") || strings.Contains(said, "shared memory block")
		if !passing || time.Now().After(deadline) {
			return fmt.Errorf("postgres does not start: %w\n%s", err, said)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (c *Cluster) start(deadline time.Time) error {
	log, err := os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	server := exec.Command(filepath.Join(c.programs, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+c.folder)
	server.SysProcAttr, server.Stdout, server.Stderr, server.Dir = c.owner.attributes(), log, log, c.folder
	if err := server.Start(); err != nil {
		return err
	}
	p := &process{command: server, ended: make(chan struct{})}
	if err := p.keep(c); err != nil {
		return errors.Join(err, server.Process.Kill(), server.Wait())
	}
	go func() {
		_ = server.Wait() // how it ended is in its log
		close(p.ended)
	}()
	if err := c.await(p, deadline); err != nil {
		return errors.Join(err, p.end(syscall.SIGQUIT))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = p
	return nil
}

// await returns once the server answers.
func (c *Cluster) await(p *process, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// keeper ends the server and removes its folder when the process that started it ends without having done so, however
// that came: its input ends then.
const keeper = `read -r line && exit 0
kill -QUIT "$1"
while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
rm -rf "$2"`

func (p *process) keep(c *Cluster) (err error) {
	p.keeper = exec.Command("/bin/sh", "-c", keeper, "keeper", strconv.Itoa(p.command.Process.Pid), c.folder)
	p.keeper.SysProcAttr = c.owner.attributes()
	if p.release, err = p.keeper.StdinPipe(); err != nil {
		return err
	}
	return p.keeper.Start()
}

// end signals the server, waits for its end and lets the keeper go.
func (p *process) end(s syscall.Signal) error {
	err := p.command.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-p.ended
	_, released := io.WriteString(p.release, "\n")
	return errors.Join(err, released, p.keeper.Wait())
}

// Stop ends the server as an administrator would: open transactions are rolled back, connections closed.
func (c *Cluster) Stop() error { return c.end(syscall.SIGINT) }

// Kill ends the server as kill -9 does; its data stays as it is.
func (c *Cluster) Kill() error { return c.end(syscall.SIGKILL) }

func (c *Cluster) end(s syscall.Signal) error {
	c.mu.Lock()
	p := c.running
	c.running = nil
	c.mu.Unlock()
	if p == nil {
		return errors.New("the server does not run")
	}
	return p.end(s)
}

// Restart stops the server and starts it again.
func (c *Cluster) Restart() error {
	if err := c.Stop(); err != nil {
		return err
	}
	return c.Start()
}

// Close ends the server, if it runs, and removes its folder.
func (c *Cluster) Close() error {
	var err error
	if c.Running() {
		err = c.end(syscall.SIGQUIT)
	}
	for range 100 { // children of a killed server may still write
		if gone := os.RemoveAll(c.folder); gone == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, still := os.Stat(c.folder); !errors.Is(still, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("%s cannot be removed", c.folder))
	}
	return err
}

// findPrograms is the folder of the newest initdb and postgres.
func findPrograms() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	best, newest := "", 14
	for _, folder := range folders {
		out, err := exec.Command(filepath.Join(folder, "postgres"), "--version").Output()
		words := bytes.Fields(out)
		if err != nil || len(words) < 3 {
			continue
		}
		major, _, _ := strings.Cut(string(words[2]), ".")
		if version, err := strconv.Atoi(major); err == nil && version > newest {
			best, newest = folder, version
		}
	}
	if best == "" {
		return "", ErrMissing
	}
	return best, nil
}
