package symbolon

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ext4 is a file system in an image of its own, and what to do with it: break makes it read-only under the programs that use it, as the
// kernel does when a disk fails; mend makes it good again, which needs that nobody uses it.
func ext4(t *testing.T) (folder string, fail, mend func()) {
	t.Helper()
	image, folder := filepath.Join(t.TempDir(), "image"), t.TempDir()
	f, err := os.Create(image)
	fatal(t, err)
	fatal(t, f.Truncate(64<<20))
	fatal(t, f.Close())
	run := func(name string, args ...string) error {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Logf("%s %v: %v: %s", name, args, err, out)
		}
		return err
	}
	if run("mkfs.ext4", "-q", image) != nil || run("mount", "-o", "loop", image, folder) != nil {
		t.Skip("MISSING: mkfs.ext4 and the right to mount an image, so that a disk that becomes read-only cannot be tried")
	}
	t.Cleanup(func() { _ = run("umount", folder) })
	return folder, func() {
			if run("mount", "-o", "remount,abort", folder) != nil {
				t.Skip("MISSING: a kernel that can be told to give up a file system")
			}
		}, func() {
			fatal(t, run("umount", folder))
			_ = run("e2fsck", "-p", image) // says by its status that it has mended something
			fatal(t, run("mount", "-o", "loop", image, folder))
		}
}

// TestDiskBecomesReadOnly: a disk that the kernel has made read-only under the server: clean refusals, and after the disk is mended and
// the server started again everything that was acknowledged is there, and nothing else (R6).
func TestDiskBecomesReadOnly(t *testing.T) {
	folder, fail, mend := ext4(t)
	var config Config
	s := beginDiskStory(t, openDoor(t, func(c *Config) {
		c.Memory, c.Data = false, filepath.Join(folder, "data")
		config = *c
	}))
	for range 3 {
		if a := s.renew(); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	fail()
	for range 20 {
		s.isRefusal("a refresh", s.renew())
	}
	_, a := s.bearer("during")
	s.isRefusal("an assertion", a)
	s.unready(http.StatusServiceUnavailable)
	if err := s.Server.Close(); err == nil {
		t.Log("the end was clean")
	}
	mend()
	again, err := New(t.Context(), config)
	fatal(t, err)
	s.Server, s.serve = again, again.Handler().ServeHTTP
	t.Cleanup(func() { fatal(t, again.Close()) })
	if a := s.renew(); a.status != http.StatusOK {
		t.Errorf("the last token that was given: %d %s", a.status, a.text)
	}
	if _, a := s.bearer("during"); a.status != http.StatusOK {
		t.Errorf("an assertion that was refused has been used up: %s", a.text)
	}
}
