package symbolon

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Root does not leave files that the server's user cannot open in that user's folder, by whatever command.
func TestRootInAnotherUsersFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give a folder away")
	}
	d := openDoorIn(t, t.TempDir(), onDisk)
	backup := d.backUp(t)
	folder := t.TempDir()
	c := Config{Data: folder, Log: slog.New(slog.DiscardHandler), Development: true}
	check(t, os.Chown(folder, 4242, 4242))
	_, opened := New(t.Context(), c)
	_, restored := Restore(t.Context(), c, backup, RestoreOptions{})
	_, listed := OrderKeys(t.Context(), Config{Data: folder, DatabaseURL: "postgres://localhost/nowhere", Development: true}, KeyOrder{Verb: ListKeys})
	for what, err := range map[string]error{"opening": opened, "restoring": restored, "keys": listed} {
		if err == nil || !strings.Contains(err.Error(), "belongs to the user 4242") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if names := folderNames(t, folder); len(names) != 0 {
		t.Errorf("it made %v", names)
	}
	check(t, os.Chown(folder, 0, 0))
	s, err := New(t.Context(), c)
	check(t, err)
	check(t, s.Close())
	c.Data = filepath.Join(folder, "new")
	s, err = New(t.Context(), c)
	check(t, err)
	check(t, s.Close())
}
