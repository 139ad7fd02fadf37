package symbolon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
)

// folderNames are what a folder holds.
func folderNames(t testing.TB, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	fatal(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// resealed is a backup with another manifest and a sum that fits.
func resealed(t testing.TB, backup []byte, from, to string) []byte {
	t.Helper()
	text := bytes.Clone(backup[:len(backup)-sumLineSize])
	start := bytes.LastIndex(text[:len(text)-1], []byte("{\"symbolonBackup\""))
	text = append(text[:start:start], strings.Replace(string(text[start:]), from, to, 1)...)
	sum := sha256.Sum256(text)
	return append(text, sumStart+hex.EncodeToString(sum[:])+"\n"...)
}

// fingerprint is the one of the folder's master key.
func (d *door) fingerprint(t testing.TB) string {
	t.Helper()
	key, err := d.config.heldMasterKey(t.Context())
	fatal(t, err)
	return token.Fingerprint(key)
}

// TestRestoreRefuses: what is no whole backup, or of another key, program or purpose, is refused with the reason, and leaves the folder
// as it was.
func TestRestoreRefuses(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	file := d.backUp(t)
	good, err := os.ReadFile(file)
	fatal(t, err)
	folder := d.moveIn(t)
	before := append(folderNames(t, folder), "symbolon.db.lock")
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	day := time.Now().UTC().Format("2006-01-02")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":             {nil, "no backup of Symbolon"},
		"a text":              {bytes.Repeat([]byte("text "), 1000), "no backup of Symbolon"},
		"the database alone":  {good[:databaseSize(good)], "it was cut"},
		"cut":                 {good[:len(good)*2/3], "it was cut"},
		"cut at the end":      {good[:len(good)-1], "damaged"},
		"a flipped bit":       {flipped, "its SHA-256 is not the one it ends with"},
		"something behind it": {append(bytes.Clone(good), 'x'), "damaged"},
		"another format":      {resealed(t, good, `"symbolonBackup":1`, `"symbolonBackup":2`), "format 2"},
		"a newer schema":      {resealed(t, good, `"schema":1`, `"schema":99`), "use the newer program"},
		"another master key":  {resealed(t, good, d.fingerprint(t), "0123456789abcdef"), "sealed under 0123456789abcdef: "},
		"production":          {resealed(t, good, `"development":true`, `"development":false`), "for development"},
		"of the future":       {resealed(t, good, `"time":"`+day[:4], `"time":"2999`), "set it right"},
		"another size":        {resealed(t, good, `"databaseSize":`, `"databaseSize":1`), "damaged"},
	} {
		path := filepath.Join(t.TempDir(), "backup")
		fatal(t, os.WriteFile(path, c.content, 0o600))
		_, err := Restore(t.Context(), d.settings(folder), path, RestoreOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if after := folderNames(t, folder); !slices.Equal(after, sorted(before)) {
			t.Fatalf("%s: the folder holds %q", name, after)
		}
	}
	if _, err := Restore(t.Context(), d.settings(d.folder), file, RestoreOptions{Replace: true}); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("under a running server: %v", err)
	}
	if _, err := Restore(t.Context(), d.settings(d.folder), file, RestoreOptions{CheckOnly: true}); err != nil {
		t.Errorf("checked beside a running server: %v", err)
	}
	fatal(t, os.Remove(filepath.Join(folder, "master.key")))
	if _, err := Restore(t.Context(), d.settings(folder), file, RestoreOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the master key: %v", err)
	}
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

// TestRestoreChecksTheStructure: a backup of a damaged database is a good file of a bad database.
func TestRestoreChecksTheStructure(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	good, err := os.ReadFile(d.backUp(t))
	fatal(t, err)
	size := databaseSize(good)
	for at := size / 4; at < size/2; at++ {
		good[at] = 0
	}
	path := filepath.Join(t.TempDir(), "backup")
	fatal(t, os.WriteFile(path, resealed(t, good, "", ""), 0o600))
	folder := d.moveIn(t)
	if _, err := Restore(t.Context(), d.settings(folder), path, RestoreOptions{}); err == nil || !strings.Contains(err.Error(), "malformed") && !strings.Contains(err.Error(), "damaged") {
		t.Errorf("restored: %v", err)
	}
}

// TestRestoreAfterOneThatDied: what an interrupted restore has left is cleared away, and until then no server starts.
func TestRestoreAfterOneThatDied(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	file := d.backUp(t)
	folder := d.moveIn(t)
	fatal(t, os.Mkdir(filepath.Join(folder, "restore-1.tmp"), 0o700))
	fatal(t, os.WriteFile(filepath.Join(folder, "restore-1.tmp", "symbolon.db"), []byte("half"), 0o600))
	fatal(t, os.WriteFile(filepath.Join(folder, "symbolon.db.restoring"), nil, 0o600))
	c := d.settings(folder)
	c.Development = true
	if _, err := New(t.Context(), c); !errors.Is(err, sqlite.ErrInterrupted) {
		t.Errorf("a server started: %v", err)
	}
	_, err := Restore(t.Context(), c, file, RestoreOptions{})
	fatal(t, err)
	if names := folderNames(t, folder); !slices.Equal(names, sorted([]string{"audit.jsonl", developmentFile, "master.key", "symbolon.db", "symbolon.db.lock"})) {
		t.Errorf("the folder holds %q", names)
	}
	s, err := New(t.Context(), c)
	fatal(t, err)
	fatal(t, s.Close())
}

// TestTakeBackup: through a server, directly, into a folder; never over a file, and nothing half is left.
func TestTakeBackup(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	stop, err := d.StartControl(d.folder)
	fatal(t, err)
	to := t.TempDir()
	name, m, err := TakeBackup(t.Context(), d.settings(d.folder), filepath.Join(to, "one"))
	fatal(t, err)
	if name != filepath.Join(to, "one") || !slices.Equal(m.MasterKeys, []string{d.fingerprint(t)}) || !slices.Equal(m.Instances, []string{d.InstanceARN}) || m.Issuer != restoreIssuer || !m.Development {
		t.Errorf("%s: %+v", name, m)
	}
	if _, _, err := TakeBackup(t.Context(), d.settings(d.folder), name); err == nil || !strings.Contains(err.Error(), "never replaces") {
		t.Errorf("over a file: %v", err)
	}
	d.copying.Lock()
	if _, _, err := TakeBackup(t.Context(), d.settings(d.folder), filepath.Join(to, "two")); err == nil || !strings.Contains(err.Error(), "being taken") {
		t.Errorf("two at once: %v", err)
	}
	d.copying.Unlock()
	fatal(t, stop())
	fatal(t, d.Server.Close())
	if _, _, err = TakeBackup(t.Context(), d.settings(d.folder), to); err != nil {
		t.Error(err)
	}
	names := folderNames(t, to)
	if len(names) != 2 || !strings.HasPrefix(names[1], "symbolon-") {
		t.Errorf("the folder holds %q", names)
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(to, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, _, err := TakeBackup(t.Context(), d.settings(t.TempDir()), filepath.Join(to, "none")); err == nil || !strings.Contains(err.Error(), "there is no store") {
		t.Errorf("of nothing: %v", err)
	}
}

// TestBackupHoldsNoSecret: nothing that a client presents, and not the master key, stands in a backup.
func TestBackupHoldsNoSecret(t *testing.T) {
	d, i := openDoorIn(t, t.TempDir(), onDisk), newIDP(t)
	p := live(t, d, i)
	text, err := os.ReadFile(d.backUp(t))
	fatal(t, err)
	key, err := os.ReadFile(filepath.Join(d.folder, "master.key"))
	fatal(t, err)
	secrets := []string{strings.TrimSpace(string(key)), d.SecretAccessKey, d.Password}
	for _, e := range p.grants {
		for _, name := range []string{"code", "refreshToken", "assertion", "subjectToken"} {
			secrets = append(secrets, e.in[name])
		}
	}
	for _, secret := range secrets {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			t.Errorf("the backup holds a secret that begins with %.12s", secret)
		}
	}
}
