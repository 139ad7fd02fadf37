package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		if err := c.Set("synchronous_standby_names", "*"); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
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
