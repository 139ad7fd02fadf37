package symbolon

import (
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
	path := c.MasterKeyFile
	if path == "" {
		path = filepath.Join(c.Data, "master.key")
		if err := newMasterKey(path); err != nil {
			return nil, err
		}
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

// newMasterKey makes the file unless it is there. It is whole and durable before it has its name, so that no start ever sees half a key.
func newMasterKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key := make([]byte, masterKeySize)
	rand.Read(key)
	return writeDurably(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"))
}

// writeDurably replaces the file by content, readable by its owner only.
func writeDurably(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails harmlessly after the rename
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
