package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// startDatabase starts a PostgreSQL server with durable commits on the disk to be measured; nil where there is none to start.
func (l *lab) startDatabase() (*postgrestest.Cluster, error) {
	if l.postgres == "off" {
		return nil, nil
	}
	if err := os.Chmod(l.folder, 0o711); err != nil { // its owner is another user where this program runs as root
		return nil, err
	}
	c, err := postgrestest.New(postgrestest.Options{Fsync: true, Folder: l.folder, Settings: map[string]string{"shared_buffers": "256MB"}})
	if errors.Is(err, postgrestest.ErrMissing) {
		fmt.Fprintln(os.Stderr, err)
		return nil, nil
	}
	return c, err
}

// databaseCPU is the processor time the database's processes have used so far, the dead ones included.
func (w *world) databaseCPU() (total time.Duration, err error) {
	if w.database == nil {
		return 0, nil
	}
	parents, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	server := strconv.Itoa(w.database.PID())
	for _, path := range parents {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile; its parent has its time
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		pid := filepath.Base(filepath.Dir(path))
		if pid != server && fields[1] != server {
			continue
		}
		n, err := ticks(fields[11:13])
		if pid == server && err == nil { // and that of its children that have ended
			var ended time.Duration
			ended, err = ticks(fields[13:15])
			n += ended
		}
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
