package symbolon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// ErrNotEmbedded says that the store is not the embedded one: its database has backups of its own.
var ErrNotEmbedded = errors.New("the store is a database server: back it up and restore it with that server's own tools (pg_dump, pg_basebackup, " +
	"point-in-time recovery), and after a restore run `symbolon restore --mark` (docs/operations.md, Backup and restore)")

var errBackupRuns = errors.New("a backup is being taken already")

// backupMargin is the space that a backup leaves free for the store it copies.
const backupMargin = 64 << 20

// Backup writes a backup of the embedded store to w, as it is at one moment, while the server serves. The copy is made in the data
// folder first, which must have room for it. One backup is taken at a time.
func (s *Server) Backup(ctx context.Context, w io.Writer) error {
	if s.embedded == nil {
		return ErrNotEmbedded
	}
	if !s.copying.TryLock() {
		return errBackupRuns
	}
	defer s.copying.Unlock()
	size, err := s.embedded.Size(ctx)
	if err != nil {
		return err
	}
	if err := roomFor(s.config.Data, size); err != nil {
		return err
	}
	m, err := s.manifest(ctx)
	if err != nil {
		return err
	}
	folder, err := scratchFolder(s.config.Data, "backup")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "symbolon.db")
	if err := s.embedded.Copy(ctx, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m.DatabaseSize = info.Size()
	return writeBackup(w, f, m)
}

// scratchFolder makes a folder to work in, below the data folder, and removes those that interrupted work of the same name has left.
func scratchFolder(data, name string) (string, error) {
	left, err := filepath.Glob(filepath.Join(data, name+"-*.tmp"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(data, name+"-*.tmp")
}

// roomFor refuses what would fill the disk that the store lives on.
func roomFor(folder string, size int64) error {
	free, _, err := freeSpace(folder)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if need := uint64(size) + backupMargin; free < need {
		return fmt.Errorf("%s has %d MiB free, and %d MiB are needed: the store must not run out of space", folder, free>>20, need>>20)
	}
	return nil
}

// manifest describes the store as it is now.
func (s *Server) manifest(ctx context.Context) (BackupManifest, error) {
	m := BackupManifest{
		Format: backupFormat, Time: s.config.Now().UTC().Truncate(time.Second), Schema: store.SchemaVersion, Issuer: s.issuer,
		Development: IsDevelopment(s.config.Data),
	}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m.Instances = []string{}
		if m.MasterKeys, err = token.MasterKeys(tx); err != nil {
			return err
		}
		instances, err := ssoadmin.ListInstances(tx)
		for _, i := range instances {
			m.Instances = append(m.Instances, i.ARN)
		}
		return err
	})
	return m, err
}

// controlBackup streams a backup to the operator's command, which writes it where the operator may.
func (s *Server) controlBackup(w http.ResponseWriter, r *http.Request) {
	out := &lateHeader{ResponseWriter: w}
	err := s.Backup(r.Context(), out)
	switch {
	case err == nil:
	case out.begun:
		s.config.Log.Error("a backup ended halfway", "error", err)
		panic(http.ErrAbortHandler) // the command must not take what it has for the whole
	default:
		controlAnswer(w, http.StatusConflict, map[string]string{"error": err.Error()})
	}
}

// lateHeader says that the answer is a backup with its first byte, so that what goes wrong before can be told.
type lateHeader struct {
	http.ResponseWriter
	begun bool
}

func (l *lateHeader) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.Header().Set("Content-Type", "application/octet-stream")
	}
	return l.ResponseWriter.Write(p)
}

// TakeBackup backs the embedded store of c's data folder up into the file at path, or into a new file in the folder at path: through
// the server that runs on the data folder, or directly when none does. The file is complete and on the disk before it has its name; an
// existing one is never replaced. It returns the file's name.
func TakeBackup(ctx context.Context, c Config, path string) (name string, m BackupManifest, err error) {
	c, err = c.withDefaults()
	if err != nil {
		return "", m, err
	}
	name = path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		name = filepath.Join(path, "symbolon-"+c.Now().UTC().Format("20060102T150405Z")+".backup")
	}
	if _, err := os.Lstat(name); err == nil {
		return "", m, fmt.Errorf("%s is there already; a backup never replaces a file", name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", m, err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return "", m, err
	}
	defer os.Remove(temporary.Name()) // fails harmlessly once it has its name
	defer temporary.Close()
	err = backupThrough(ctx, c.Data, temporary)
	if errors.Is(err, ErrNoServer) {
		err = backupDirectly(ctx, c, temporary)
	}
	if err != nil {
		return "", m, err
	}
	if err := temporary.Sync(); err != nil {
		return "", m, err
	}
	if m, err = verifyBackup(temporary); err != nil {
		return "", m, fmt.Errorf("what was written cannot be read back: %w", err)
	}
	return name, m, settleFile(temporary.Name(), name)
}

// verifyBackup reads an open backup from its beginning.
func verifyBackup(f *os.File) (BackupManifest, error) {
	info, err := f.Stat()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return BackupManifest{}, err
	}
	return readBackup(f, info.Size(), io.Discard)
}

// settleFile gives a flushed file its name unless that is taken.
func settleFile(from, to string) error {
	err := os.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links, such as those of USB sticks
		if _, err = os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(from, to)
		} else {
			err = errors.Join(err, fs.ErrExist)
		}
	}
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func backupThrough(ctx context.Context, folder string, w io.Writer) error {
	response, err := askServer(ctx, folder, "/backup", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return controlError(response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("the server ended the backup halfway; its log says why: %w", err)
	}
	return nil
}

// backupDirectly opens the store of the folder, which no server holds.
func backupDirectly(ctx context.Context, c Config, w io.Writer) (err error) {
	if c.DatabaseURL != "" {
		return ErrNotEmbedded
	}
	if err := c.haveStore(ctx); err != nil {
		return err
	}
	c.Development = IsDevelopment(c.Data)
	s, err := New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Backup(ctx, w)
}
