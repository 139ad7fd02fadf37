package symbolon

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/token"
)

// MasterKeySource says where a master key is read from: by one of its members.
type MasterKeySource struct {
	File    string   // that holds it
	Env     string   // the environment variable that holds it
	Command []string // whose standard output it is
}

// masterKeySettings are the names of the settings, or the ends of the flags, that the members stand for.
var masterKeySettings = []string{"master-key-file", "master-key-env", "master-key-command"}

// set lists the settings that are used.
func (m MasterKeySource) set() (names []string) {
	for i, used := range []bool{m.File != "", m.Env != "", len(m.Command) > 0} {
		if used {
			names = append(names, masterKeySettings[i])
		}
	}
	return names
}

func (m MasterKeySource) check() error {
	if names := m.set(); len(names) > 1 {
		return fmt.Errorf("%s exclude each other: a master key comes from one place", strings.Join(names, " and "))
	}
	return nil
}

// masterKeySource is where the settings say the master key is; nowhere means the file in the data folder.
func (c Config) masterKeySource() MasterKeySource {
	return MasterKeySource{File: c.MasterKeyFile, Env: c.MasterKeyEnv, Command: c.MasterKeyCommand}
}

// masterKey reads the master key. The file in the data folder is made at the first start; any other source must have it.
func (c Config) masterKey(ctx context.Context) ([]byte, error) {
	if c.Memory {
		key := make([]byte, token.MasterKeySize)
		rand.Read(key)
		return key, nil
	}
	if len(c.masterKeySource().set()) == 0 && c.DatabaseURL != "" && !c.Development {
		if err := c.sharedMasterKey(); err != nil {
			return nil, err
		}
	} else if len(c.masterKeySource().set()) == 0 {
		if err := newMasterKey(c.masterKeyFile(), c.storeFile()); err != nil {
			return nil, err
		}
	}
	return c.heldMasterKey(ctx)
}

// masterKeyFile is the file in the data folder.
func (c Config) masterKeyFile() string { return filepath.Join(c.Data, "master.key") }

// heldMasterKey reads the master key, which must be there.
func (c Config) heldMasterKey(ctx context.Context) ([]byte, error) {
	source := c.masterKeySource()
	if len(source.set()) == 0 {
		source.File = c.masterKeyFile()
	}
	return source.Read(ctx, !c.Development)
}

// Read reads the key. Its errors name the source, never what it gave. A strict reader refuses a file that others than its owner can read.
func (m MasterKeySource) Read(ctx context.Context, strict bool) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var text []byte
	var err error
	var from string
	switch {
	case m.File != "":
		from = m.File
		text, err = readMasterKeyFile(m.File, strict)
	case m.Env != "":
		from = "the environment variable " + m.Env
		value, ok := os.LookupEnv(m.Env)
		if text = []byte(value); !ok {
			err = fmt.Errorf("%s is not set", from)
		}
	case len(m.Command) > 0:
		from = fmt.Sprintf("the output of %q", m.Command[0])
		text, err = runMasterKeyCommand(ctx, m.Command)
	default:
		return nil, errors.New("master key: no place to read it from is named")
	}
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	key := make([]byte, token.MasterKeySize+2) // what base64 may write at most where it is to give that many
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) != base64.StdEncoding.EncodedLen(token.MasterKeySize) {
		return nil, fmt.Errorf("master key: %s does not hold %d bytes in base64", from, token.MasterKeySize)
	}
	n, err := base64.StdEncoding.Strict().Decode(key, trimmed)
	if err != nil || n != token.MasterKeySize {
		clear(key)
		return nil, fmt.Errorf("master key: %s does not hold %d bytes in base64", from, token.MasterKeySize)
	}
	return key[:n], nil
}

// maxMasterKeyText is more than any spelling of a master key takes.
const maxMasterKeyText = 4096

func readMasterKeyFile(path string, strict bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	others := fs.FileMode(0o077)
	if isCredential(path) {
		others = 0o037
	}
	// Windows has no such bits: what Stat shows there says nothing of who may read.
	if strict && info.Mode().Perm()&others != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %04o: others than its owner have access to it; chmod 600 it, and if they may have read it, "+
			"change the master key (symbolon key rewrap)", path, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxMasterKeyText))
}

// isCredential says that systemd has put the file into the folder of a service's credentials, which nobody else may enter. The file is root's, and
// the service reads it by an access control list, whose mask stands where a mode has the group's rights.
func isCredential(path string) bool {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	return folder != "" && filepath.Dir(path) == filepath.Clean(folder)
}

// masterKeyPatience is how long a command may take to give the key: it may ask a service far away.
const masterKeyPatience = 30 * time.Second

// longWord may be a key: it is left out of what is told of a failed command.
var longWord = regexp.MustCompile(`[A-Za-z0-9+/_=-]{32,}`)

// runMasterKeyCommand runs a program, without a shell, for its output.
func runMasterKeyCommand(ctx context.Context, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, masterKeyPatience)
	defer cancel()
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.WaitDelay = time.Second // what it has started may hold its output open
	complaint := &head{limit: 400}
	output := &head{limit: maxMasterKeyText}
	c.Stdout, c.Stderr = output, complaint
	err := c.Run()
	if err == nil {
		return output.text, nil
	}
	clear(output.text)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, fmt.Errorf("the command %q was ended: %w", argv[0], context.Canceled)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("the command %q has not ended within %s", argv[0], masterKeyPatience)
	case len(complaint.text) > 0:
		said := longWord.ReplaceAll(bytes.TrimSpace(complaint.text), []byte("…"))
		return nil, fmt.Errorf("the command %q: %w: %s", argv[0], err, said)
	}
	return nil, fmt.Errorf("the command %q: %w", argv[0], err)
}

// head keeps the beginning of what is written to it.
type head struct {
	text  []byte
	limit int
}

func (h *head) Write(b []byte) (int, error) {
	h.text = append(h.text, b[:min(len(b), h.limit-len(h.text))]...)
	return len(b), nil
}

// auditLog is the file of the audit log.
func (c Config) auditLog() string { return cmp.Or(c.AuditLog, filepath.Join(c.Data, "audit.jsonl")) }

// storeFile is the embedded store's file.
func (c Config) storeFile() string { return filepath.Join(c.Data, "symbolon.db") }

// newMasterKey makes the file unless it is there. It is whole and durable before it has its name, so that no start ever sees half a
// key. Beside a store there must be a key already: another one would open nothing in it.
func newMasterKey(path, storeFile string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(storeFile); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("master key: %s is missing, and %s is sealed under it; put it back", path, storeFile))
	}
	key := make([]byte, token.MasterKeySize)
	rand.Read(key)
	err := placeDurably(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), os.Link)
	if errors.Is(err, fs.ErrExist) {
		return nil // another start was quicker; its key counts
	}
	return err
}

// writeDurably replaces the file by content, readable by its owner only.
func writeDurably(path string, content []byte) error { return placeDurably(path, content, os.Rename) }

// placeDurably writes content beside path and gives it its name by place: os.Rename replaces, os.Link refuses to.
func placeDurably(path string, content []byte, place func(from, to string) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails harmlessly after a rename
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := place(temporary.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
