package symbolon

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const masterKeySize = 32

// masterKey reads the master key. The file in the data folder is made at the first start; one named by master-key-file must exist.
func (c Config) masterKey() ([]byte, error) {
	if c.Memory {
		key := make([]byte, masterKeySize)
		rand.Read(key)
		return key, nil
	}
	if c.MasterKeyFile == "" {
		if err := newMasterKey(filepath.Join(c.Data, "master.key"), c.storeFile()); err != nil {
			return nil, err
		}
	}
	return c.heldMasterKey()
}

// heldMasterKey reads the master key, which must be there.
func (c Config) heldMasterKey() ([]byte, error) {
	path := c.MasterKeyFile
	if path == "" {
		path = filepath.Join(c.Data, "master.key")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != masterKeySize {
		return nil, fmt.Errorf("master key: %s does not hold %d bytes in base64", path, masterKeySize)
	}
	return key, nil
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
	key := make([]byte, masterKeySize)
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
