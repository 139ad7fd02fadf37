package sqlite_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/store/storetest"
)

// crashFile names, in the environment of a child process, the database it is to write until it is killed.
const crashFile = "SYMBOLON_STORETEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		b, err := sqlite.Open(path)
		if err != nil {
			panic(err)
		}
		storetest.CrashWriter(b, os.Stdout)
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("8") // most cases wait: for the disk, or for a second to pass
	}
	os.Exit(m.Run())
}

// TestCrash kills a writing process at random moments. SYMBOLON_CRASH_CYCLES sets how often (3).
func TestCrash(t *testing.T) {
	cycles := 3
	if s := os.Getenv("SYMBOLON_CRASH_CYCLES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		cycles = n
	}
	path := filepath.Join(t.TempDir(), "db", "symbolon.db")
	storetest.Crash(t, cycles,
		func() *exec.Cmd {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), crashFile+"="+path)
			return c
		},
		func(t *testing.T) store.Backend {
			b, err := sqlite.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return b
		})
}
