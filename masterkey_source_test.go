package symbolon

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

const sourceKey = "dGhpcmQga2V5IHRoaXJkIGtleSB0aGlyZCBrZXkgMDA=" // 32 bytes

func TestMasterKeySources(t *testing.T) {
	t.Setenv("TEST_MASTER_KEY", sourceKey)
	t.Setenv("TEST_SHORT_KEY", "c2hvcnQ=")
	file := writeFile(t, "key", sourceKey+"\n")
	for name, c := range map[string]struct {
		source MasterKeySource
		fault  string
	}{
		"file":             {MasterKeySource{File: file}, ""},
		"variable":         {MasterKeySource{Env: "TEST_MASTER_KEY"}, ""},
		"command":          {MasterKeySource{Command: []string{"cat", file}}, ""},
		"none":             {MasterKeySource{}, "no place"},
		"two":              {MasterKeySource{File: file, Command: []string{"cat", file}}, "master-key-file and master-key-command exclude each other"},
		"three":            {MasterKeySource{File: file, Env: "X", Command: []string{"cat"}}, "exclude each other"},
		"no file":          {MasterKeySource{File: file + "x"}, "no such file"},
		"no variable":      {MasterKeySource{Env: "TEST_NO_KEY"}, "variable TEST_NO_KEY is not set"},
		"short variable":   {MasterKeySource{Env: "TEST_SHORT_KEY"}, "variable TEST_SHORT_KEY does not hold 32 bytes"},
		"no program":       {MasterKeySource{Command: []string{"no-such-program-here"}}, `the command "no-such-program-here"`},
		"failing program":  {MasterKeySource{Command: []string{"sh", "-c", "echo no such secret >&2; exit 3"}}, `the command "sh": exit status 3: no such secret`},
		"killed program":   {MasterKeySource{Command: []string{"sh", "-c", "kill -9 $$"}}, "signal: killed"},
		"silent program":   {MasterKeySource{Command: []string{"true"}}, `the output of "true" does not hold`},
		"talkative":        {MasterKeySource{Command: []string{"sh", "-c", "yes | head -c 100000"}}, "does not hold 32 bytes"},
		"key and more":     {MasterKeySource{Command: []string{"echo", sourceKey, "x"}}, "does not hold 32 bytes"},
		"another spelling": {MasterKeySource{Command: []string{"echo", strings.Replace(sourceKey, "DA=", "DB=", 1)}}, "does not hold 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := c.source.Read(t.Context(), true)
			if c.fault == "" {
				if err != nil || base64.StdEncoding.EncodeToString(key) != sourceKey {
					t.Errorf("%x, %v", key, err)
				}
				return
			}
			if key != nil || err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("error is %v, want %q", err, c.fault)
			}
			if err != nil && (strings.Contains(err.Error(), sourceKey) || strings.Contains(err.Error(), "c2hvcnQ=")) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// A program that fails after it has shown the key on its standard error does not get it into the log.
func TestMasterKeyCommandTellsNothing(t *testing.T) {
	_, err := MasterKeySource{Command: []string{"sh", "-c", "set -x; echo " + sourceKey + "; exit 1"}}.Read(t.Context(), true)
	if err == nil || strings.Contains(err.Error(), sourceKey[:40]) {
		t.Errorf("error %v", err)
	}
}

// A program that goes on is given up with the start it belongs to, even where what it started holds its output open.
func TestMasterKeyCommandIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (MasterKeySource{Command: []string{"sh", "-c", "sleep 60 & sleep 60"}}).Read(ctx, true); err == nil {
		t.Error("it gave a key")
	}
}

func TestMasterKeyFileOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes there")
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o660, 0o644, 0o601} {
		path := newKeyFile(t, 32)
		check(t, os.Chmod(path, mode))
		c := Config{Data: t.TempDir(), MasterKeyFile: path, Log: slog.New(slog.DiscardHandler)}
		_, err := New(t.Context(), c)
		if want := fmt.Sprintf("%s has mode %04o", path, mode); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(c.Data, "symbolon.db")); err == nil {
			t.Error("the refused start made a store")
		}
		testServer(t, Config{Data: t.TempDir(), MasterKeyFile: path, Development: true})
	}
	path := newKeyFile(t, 32)
	check(t, os.Chmod(path, 0o400))
	s, err := New(t.Context(), Config{Data: t.TempDir(), MasterKeyFile: path, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	check(t, s.Close())
}

// systemd gives a service its credentials with mode 0440, root's, and an access control list. That is good in their own folder, and nowhere else.
func TestMasterKeyFileAmongCredentials(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes there")
	}
	for mode, ok := range map[os.FileMode]bool{0o400: true, 0o440: true, 0o460: false, 0o444: false, 0o450: false, 0o404: false} {
		path := newKeyFile(t, 32)
		check(t, os.Chmod(path, mode))
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path)+"/")
		if _, err := (MasterKeySource{File: path}).Read(t.Context(), true); (err == nil) != ok {
			t.Errorf("mode %04o among the credentials: %v", mode, err)
		}
	}
	path := newKeyFile(t, 32)
	check(t, os.Chmod(path, 0o440))
	for _, elsewhere := range []string{"", t.TempDir(), filepath.Dir(filepath.Dir(path)), path} {
		t.Setenv("CREDENTIALS_DIRECTORY", elsewhere)
		if _, err := (MasterKeySource{File: path}).Read(t.Context(), true); err == nil {
			t.Errorf("mode 0440 was taken with the credentials in %q", elsewhere)
		}
	}
}

// Whatever is ordered, and whatever comes of it, the report holds no key.
func TestKeyOrdersAreRecorded(t *testing.T) {
	var log bytes.Buffer
	folder := t.TempDir()
	s := testServer(t, Config{Data: folder, Log: slog.New(slog.NewTextHandler(&log, nil))})
	list, err := s.Keys(t.Context(), KeyOrder{Verb: ListKeys})
	check(t, err)
	for _, o := range []KeyOrder{
		{Verb: RotateKeys, Kinds: []string{"ES256"}}, {Verb: RotateKeys, Now: true}, {Verb: RetireKey, ID: list.Keys[0].ID, Force: true},
		{Verb: Rewrap, NewMasterKey: bytes.Repeat([]byte{5}, 32)}, {Verb: CancelRewrap},
	} {
		if _, err := s.Keys(t.Context(), o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []KeyOrder{
		{Verb: RotateKeys, Kinds: []string{"none"}}, {Verb: RetireKey, ID: "none"}, {Verb: Rewrap, NewMasterKey: []byte("short")},
		{Verb: FinishRewrap}, {Verb: CancelRewrap}, {Verb: "nonsense"},
	} {
		if _, err := s.Keys(t.Context(), o); err == nil {
			t.Errorf("%+v was carried out", o)
		}
	}
	events := readFile(t, filepath.Join(folder, "audit.jsonl"))
	for name, times := range map[string]int{"RotateKeys": 3, "RetireKey": 2, "RewrapMasterKey": 2, "FinishMasterKeyRewrap": 1, "CancelMasterKeyRewrap": 2, "UnknownKeyOrder": 1} {
		if got := strings.Count(events, `"eventName":"`+name+`"`); got != times {
			t.Errorf("%d events %s, want %d", got, name, times)
		}
	}
	if got := strings.Count(events, `"errorCode":"Failure"`); got != 6 {
		t.Errorf("%d events of refusals, want 6", got)
	}
	if _, err := OrderKeys(t.Context(), Config{Data: t.TempDir()}, KeyOrder{Verb: ListKeys}); err == nil {
		t.Error("keys were listed where no store is")
	}
}

// As long as a node runs with the old master key, it is not withdrawn unless by force.
func TestFinishRewrapAsksTheNodes(t *testing.T) {
	folder, next := t.TempDir(), bytes.Repeat([]byte{5}, 32)
	first := testServer(t, Config{Data: folder})
	old := first.masterKey
	_, err := first.Keys(t.Context(), KeyOrder{Verb: Rewrap, NewMasterKey: next})
	check(t, err)
	check(t, first.Close())
	s := testServer(t, Config{Data: folder, MasterKeyFile: writeFile(t, "next", base64.StdEncoding.EncodeToString(next))})
	seen := time.Now()
	put := func(n node) {
		t.Helper()
		check(t, s.db.Update(t.Context(), func(tx *store.Tx) error { return nodeTable.Put(tx, n) }))
	}
	put(node{ID: "renewed", Address: "a:1", MasterKey: s.masterKey, SeenAt: seen})
	put(node{ID: "dead", Address: "b:1", MasterKey: old, SeenAt: seen.Add(-nodeLife - time.Minute)})
	put(node{ID: "forgotten", Address: "c:1", MasterKey: old, SeenAt: seen.Add(-time.Minute)})
	_, err = s.Keys(t.Context(), KeyOrder{Verb: FinishRewrap})
	if err == nil || !strings.Contains(err.Error(), "the node c:1, heard of 1m") {
		t.Fatalf("error %v", err)
	}
	report, err := s.Keys(t.Context(), KeyOrder{Verb: FinishRewrap, Force: true})
	if err != nil || len(report.MasterKeys) != 1 {
		t.Errorf("by force: %+v, %v", report, err)
	}
}

// Nor is the new one taken back while a node runs with it already, which would end its readiness there and then.
func TestCancelRewrapAsksTheNodes(t *testing.T) {
	next := bytes.Repeat([]byte{5}, 32)
	s := testServer(t, Config{})
	_, err := s.Keys(t.Context(), KeyOrder{Verb: Rewrap, NewMasterKey: next})
	check(t, err)
	check(t, s.db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			nodeTable.Put(tx, node{ID: "not yet", Address: "a:1", MasterKey: s.masterKey, SeenAt: time.Now()}),
			nodeTable.Put(tx, node{ID: "renewed", Address: "b:1", MasterKey: token.Fingerprint(next), SeenAt: time.Now()}))
	}))
	_, err = s.Keys(t.Context(), KeyOrder{Verb: CancelRewrap})
	if err == nil || !strings.Contains(err.Error(), "the node b:1, heard of 0s ago, runs with the new master key") {
		t.Fatalf("error %v", err)
	}
	report, err := s.Keys(t.Context(), KeyOrder{Verb: CancelRewrap, Force: true})
	if err != nil || len(report.MasterKeys) != 1 || report.MasterKeys[0].Fingerprint != s.masterKey {
		t.Errorf("by force: %+v, %v", report, err)
	}
}
