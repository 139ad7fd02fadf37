package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby makes and starts a standby of this cluster, which streams from it. With synchronous the cluster acknowledges from
// then on only what the standby has, too. The standby has an own folder, port and end: Close it.
func (c *Cluster) Standby(o Options, synchronous bool) (*Cluster, error) {
	s := &Cluster{programs: c.programs, password: c.password, owner: c.owner}
	var err error
	if s.folder, err = os.MkdirTemp(o.Folder, "symbolon-postgres-"); err != nil {
		return nil, err
	}
	if err := errors.Join(s.owner.give(s.folder), s.copyFrom(c), s.Configure(o.settings())); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	if synchronous {
		if err := c.Synchronize(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Follow makes and starts a standby of the primary in place of a server that has been stopped or killed, at the same port. What it had
// before is gone.
func (c *Cluster) Follow(primary *Cluster) error {
	if c.Running() {
		return errors.New("the server runs")
	}
	err := os.RemoveAll(c.data())
	for i := 0; err != nil && i < 100; i++ { // children of a killed server may still write
		time.Sleep(20 * time.Millisecond)
		err = os.RemoveAll(c.data())
	}
	if err != nil {
		return err
	}
	if err := c.copyFrom(primary); err != nil {
		return err
	}
	return c.Start()
}

// Synchronize has every commit of this server wait until a standby has flushed it, from its return on. It waits for a standby.
func (c *Cluster) Synchronize() error {
	if err := c.Set("synchronous_standby_names", "*"); err != nil {
		return err
	}
	// Once a new connection knows the setting, the checkpointer has been told, which keeps it for all; it looks before it does this.
	return errors.Join(c.Await("SELECT current_setting('synchronous_standby_names') = '*'"), c.Run("CHECKPOINT"),
		c.Await("SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"))
}

// Await asks the question, as superuser in the database postgres and each time on a new connection, until the answer is true.
func (c *Cluster) Await(question string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		is, err := c.ask(ctx, question)
		if is {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("in vain: %s", question), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (c *Cluster) ask(ctx context.Context, question string) (is bool, err error) {
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, question).Scan(&is)
	return is, err
}

// copyFrom fills the data folder from the primary, as one that follows it.
func (s *Cluster) copyFrom(primary *Cluster) error {
	copying := exec.Command(filepath.Join(s.programs, "pg_basebackup"), "-D", s.data(), "-d", primary.URL(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	copying.SysProcAttr = s.owner.attributes()
	copying.Dir = s.folder
	if out, err := copying.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	return nil
}

// Promote makes a standby a server that takes writes.
func (c *Cluster) Promote() error { return c.Run("SELECT pg_promote(true)") }

// Set changes a setting of the running server, as far as that needs no restart.
func (c *Cluster) Set(name, value string) error {
	return errors.Join(c.Run("ALTER SYSTEM SET "+name+" = '"+strings.ReplaceAll(value, "'", "''")+"'"), c.Run("SELECT pg_reload_conf()"))
}
