package symbolon

import (
	"os"
	"path/filepath"
	"testing"
)

// That the names last, only lost power shows: TestPowerLost in test/proof.
func TestMakeFolder(t *testing.T) {
	top := t.TempDir()
	path := filepath.Join(top, "a", "b", "c")
	for range 2 {
		if err := makeFolder(path); err != nil {
			t.Fatal(err)
		}
	}
	for p := path; p != top; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
	file := filepath.Join(path, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(filepath.Join(file, "below")); err == nil {
		t.Error("made a folder below a file")
	}
	t.Chdir(top)
	if err := makeFolder("relative"); err != nil {
		t.Error(err)
	}
}
