package proof

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The recorder and the disk themselves: a trace written by hand, and what the disk holds before each of its lines, if nothing that was
// not flushed is kept, and if everything is.
func TestDisk(t *testing.T) {
	root := t.TempDir()
	trace := []struct{ line, nothing, everything string }{
		{`1 mkdirat(AT_FDCWD<"/">, "/root/disk/d", 0700) = 0`, ``, ``},
		{`1 openat(AT_FDCWD<"/">, "/root/disk/d/a", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<"/root/disk/d/a">`, ``, `d`},
		{`1 write(3<"/root/disk/d/a">, "one", 3) = 3`, ``, `d d/a=`},
		{`1 fsync(3<"/root/disk/d/a">) = 0`, ``, `d d/a=one`},
		{`1 openat(AT_FDCWD<"/">, "/root/disk", O_RDONLY) = 4<"/root/disk">`, ``, `d d/a=one`},
		{`1 fsync(4<"/root/disk">) = 0`, ``, `d d/a=one`},
		{`1 openat(AT_FDCWD<"/">, "/root/disk/d", O_RDONLY) = 4<"/root/disk/d">`, `d`, `d d/a=one`},
		{`1 fsync(4<"/root/disk/d">) = 0`, `d`, `d d/a=one`},
		{`1 pwrite64(3<"/root/disk/d/a">, "XY", 2, 1) = 2`, `d d/a=one`, `d d/a=one`},
		{`1 write(3<"/root/disk/d/a">, "!!", 2) = 1`, `d d/a=one`, `d d/a=oXY`},
		{`1 fdatasync(3<"/root/disk/d/a"> <unfinished ...>`, `d d/a=one`, `d d/a=oXY!`},
		{`2 pwrite64(3<"/root/disk/d/a">, "late", 4, 0) = 4`, `d d/a=one`, `d d/a=oXY!`},
		{`2 write(9<"socket:[7]">, "HTTP/1.1 200 OK` + "\r\n" + `X-Amzn-Requestid: the-id` + "\r\n" + `", 50) = 50`, `d d/a=one`, `d d/a=late`},
		{`1 <... fdatasync resumed>)              = 0`, `d d/a=one`, `d d/a=late`},
		{`1 --- SIGURG {si_signo=SIGURG} ---`, `d d/a=oXY!`, `d d/a=late`},
		{`1 openat(AT_FDCWD<"/">, "/root/disk/d/gone", O_RDWR) = -1 ENOENT (No such file or directory)`, `d d/a=oXY!`, `d d/a=late`},
		{`1 open("/root/disk/d/log", O_WRONLY|O_CREAT|O_APPEND, 0600) = 5<"/root/disk/d/log">`, `d d/a=oXY!`, `d d/a=late`},
		{`1 write(5<"/root/disk/d/log">, "1", 1) = 1`, `d d/a=oXY!`, `d d/a=late d/log=`},
		{`1 fsync(5<"/root/disk/d/log">) = 0`, `d d/a=oXY!`, `d d/a=late d/log=1`},
		{`1 linkat(AT_FDCWD<"/">, "/root/disk/d/log", AT_FDCWD<"/">, "/root/disk/d/b", 0) = 0`, `d d/a=oXY!`, `d d/a=late d/log=1`},
		{`1 unlink("/root/disk/d/log") = 0`, `d d/a=oXY!`, `d d/a=late d/b=1 d/log=1`},
		{`1 renameat(AT_FDCWD<"/">, "/root/disk/d/b", AT_FDCWD<"/">, "/root/disk/d/a") = 0`, `d d/a=oXY!`, `d d/a=late d/b=1`},
		{`1 fsync(4<"/root/disk/d">) = 0`, `d d/a=oXY!`, `d d/a=1`},
		{`1 ftruncate(5<"/root/disk/d/log">, 0) = 0`, `d d/a=1`, `d d/a=1`},
		{`1 write(5<"/root/disk/d/log">, "234", 3 <unfinished ...>`, `d d/a=1`, `d d/a=`},
		{`1 +++ killed by SIGKILL +++`, `d d/a=1`, `d d/a=23`},
	}
	var text strings.Builder
	for i, l := range trace {
		thread, call, _ := strings.Cut(l.line, " ")
		fmt.Fprintf(&text, "%s %d.%06d %s\n", thread, began.Unix(), i, inHex(strings.ReplaceAll(call, "/root/disk", root)))
	}
	// Of the write in which the process is killed two bytes of three come to be there.
	if err := os.Mkdir(filepath.Join(root, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "d", "log"), []byte("23"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &recorder{root: root, answers: map[string]int{}}
	r.read(strings.NewReader(text.String()))
	if len(r.faults) > 0 {
		t.Fatal(r.faults)
	}
	if want := map[string]int{"the-id": 12}; !maps.Equal(r.answers, want) {
		t.Errorf("answers %v, want %v", r.answers, want)
	}
	for i, l := range trace {
		for kept, want := range map[bool]string{false: l.nothing, true: l.everything} {
			d, err := r.replay(i)
			if err != nil {
				t.Fatalf("line %d: %v", i, err)
			}
			folder := t.TempDir()
			if err := d.write(folder, func(*inode, *change, int64) bool { return kept }); err != nil {
				t.Fatal(err)
			}
			if got := listing(t, folder); got != want {
				t.Errorf("before line %d, with %v: %q, want %q", i, map[bool]string{false: "nothing", true: "everything"}[kept], got, want)
			}
		}
	}
}

var texts = regexp.MustCompile(`(?s)"([^"]*)"`)

// inHex writes the texts of a call as strace -xx does, those of descriptors without quotes.
func inHex(call string) string {
	call = texts.ReplaceAllStringFunc(call, func(s string) string { return `"` + hexText(strings.Trim(s, `"`)) + `"` })
	return strings.NewReplacer(`<"`, `<`, `">`, `>`).Replace(call)
}

// listing is every file and folder with its content.
func listing(t *testing.T, folder string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil || e.IsDir() {
			all = append(all, name)
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, name+"="+strings.TrimSpace(string(content)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// A write that was not flushed may be torn: each of its sectors is there or not, and what is missing before what is there reads as zero.
func TestTornWrite(t *testing.T) {
	n := newInode(false)
	n.durable = []byte("flushed")
	n.pending = []change{{offset: 500, data: []byte(strings.Repeat("x", 1100))}}
	got := n.content(func(_ *inode, _ *change, sector int64) bool { return sector == 0 || sector == 2 })
	want := slices.Concat([]byte("flushed"), make([]byte, 493), []byte(strings.Repeat("x", 12)), make([]byte, 512), []byte(strings.Repeat("x", 512)))
	if string(got) != string(want) {
		t.Errorf("%d bytes %q", len(got), got)
	}
}
