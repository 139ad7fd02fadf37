package symbolon

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// openFails expects New to refuse the folder, in words that hold says.
func openFails(t *testing.T, c Config, says ...string) {
	t.Helper()
	c.Development, c.Log = true, slog.New(slog.DiscardHandler)
	s, err := New(t.Context(), c)
	if err == nil {
		s.Close()
	}
	for _, says := range says {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not speak of %q", err, says)
		}
	}
}

func newKeyFile(t *testing.T, size int) string {
	key := make([]byte, size)
	rand.Read(key)
	return writeFile(t, "master.key", base64.StdEncoding.EncodeToString(key))
}

// folderWithStore is a data folder whose server ran and stopped.
func folderWithStore(t *testing.T) string {
	folder := t.TempDir()
	s, err := New(t.Context(), Config{Data: folder, Development: true, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	mustApply(t, s, smallOrganization)
	check(t, s.Close())
	return folder
}

func TestMasterKeyIsMadeOnce(t *testing.T) {
	folder := folderWithStore(t)
	path := filepath.Join(folder, "master.key")
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
	before := readFile(t, path)
	testServer(t, Config{Data: folder})
	if readFile(t, path) != before {
		t.Error("the second start made another key")
	}
}

func TestMasterKeyMissing(t *testing.T) {
	folder := folderWithStore(t)
	path := filepath.Join(folder, "master.key")
	check(t, os.Remove(path))
	openFails(t, Config{Data: folder}, "master key", path, "put it back")
	if _, err := os.Stat(path); err == nil {
		t.Error("the refused start left a new key behind, which hides the loss")
	}
	openFails(t, Config{Data: t.TempDir(), MasterKeyFile: filepath.Join(t.TempDir(), "none")}, "master key", "none")
}

func TestMasterKeyWrong(t *testing.T) {
	folder := folderWithStore(t)
	openFails(t, Config{Data: folder, MasterKeyFile: newKeyFile(t, 32)}, "master key")
}

func TestMasterKeyMalformed(t *testing.T) {
	for name, path := range map[string]string{
		"short": newKeyFile(t, 31), "long": newKeyFile(t, 33), "empty": writeFile(t, "empty", ""), "no base64": writeFile(t, "text", "not a key at all!"),
	} {
		t.Run(name, func(t *testing.T) {
			openFails(t, Config{Data: t.TempDir(), MasterKeyFile: path}, path, "32 bytes in base64")
		})
	}
}

func TestMasterKeyElsewhere(t *testing.T) {
	folder, path := t.TempDir(), newKeyFile(t, 32)
	testServer(t, Config{Data: folder, MasterKeyFile: path})
	if _, err := os.Stat(filepath.Join(folder, "master.key")); err == nil {
		t.Error("a key was made beside the one that was named")
	}
}

// TestMasterKeyOfManyStarts: starts that race on a new folder agree on one key.
func TestMasterKeyOfManyStarts(t *testing.T) {
	c := Config{Data: t.TempDir()}
	keys := make([]string, 16)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			key, err := c.masterKey(t.Context())
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	group.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Fatal("two starts have different keys")
		}
	}
	if left, err := os.ReadDir(c.Data); err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestOneServerAFolder: a second server on a folder is refused and harms nothing.
func TestOneServerAFolder(t *testing.T) {
	folder := t.TempDir()
	testServer(t, Config{Data: folder})
	openFails(t, Config{Data: folder}, "in use")
}
