package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
)

const killedOrganization = `
instance: { name: example, account: "111122223333" }
users: [ { userName: alice, password: a password of alice } ]
iam: { users: [ { name: deployer, accessKeys: [ { id: AKIAIOSFODNN7EXAMPLE, secret: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY } ] } ] }
`

// killed is a store whose master key is changed by processes that are killed on the way.
type killed struct {
	*testing.T
	folder       string
	organization *symbolon.Organization
	fresh        bool          // nothing has been applied yet
	took         time.Duration // a command that was left alone
	before, late int           // kills that left the state before, and that after
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	o, err := symbolon.ParseOrganization("organization", []byte(killedOrganization))
	if err != nil {
		t.Fatal(err)
	}
	return &killed{T: t, folder: t.TempDir(), organization: o, fresh: true}
}

func (k *killed) masterKey(name string) (path string) {
	path = filepath.Join(k.TempDir(), name)
	text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(name), 32)[:32])
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		k.Fatal(err)
	}
	return path
}

// opens says whether the store opens with a master key. If it does, everything sealed in it must open as well: the access key's secret
// is compared when the organization is applied again.
func (k *killed) opens(masterKey string) bool {
	k.Helper()
	s, err := symbolon.New(k.Context(), symbolon.Config{
		Data: k.folder, MasterKeyFile: masterKey, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		if !strings.Contains(err.Error(), "the master key does not open the keys of this store") {
			k.Fatal(err)
		}
		return false
	}
	defer s.Close()
	report, err := s.Apply(k.Context(), k.organization)
	if err != nil || (len(report.Changes) > 0) != k.fresh {
		k.Fatalf("something was lost: %v, %+v", err, report)
	}
	k.fresh = false
	return true
}

// run starts a symbolon command and kills it, or the victim if there is one, after a while; a negative time leaves it alone.
func (k *killed) run(victim *exec.Cmd, after time.Duration, arguments ...string) (completed bool) {
	k.Helper()
	c := exec.Command("symbolon", append(arguments, "--data", k.folder)...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	began := time.Now()
	if err := c.Start(); err != nil {
		k.Fatal(err)
	}
	if after >= 0 {
		time.Sleep(after)
		if victim == nil {
			victim = c
		}
		_ = victim.Process.Kill() // it may have ended
	}
	err := c.Wait()
	if after < 0 {
		k.took = max(k.took, time.Since(began))
		if err != nil {
			k.Fatalf("%v: %v\n%s", arguments, err, &out)
		}
	}
	return err == nil
}

// serve starts a server on the folder, and returns once it answers.
func (k *killed) serve(masterKey string) *exec.Cmd {
	k.Helper()
	c := exec.Command("symbolon", "serve", "--listen", "127.0.0.1:0", "--data", k.folder, "--master-key-file", masterKey)
	if err := c.Start(); err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { _ = c.Process.Kill() })
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := symbolon.ApplyThrough(context.Background(), k.folder, []byte("users: []")); !errors.Is(err, symbolon.ErrNoServer) {
			return c
		}
	}
	k.Fatal("no server")
	return nil
}

// step has a command killed a few times and then completed. A server that runs it is what is killed then.
func (k *killed) step(serving bool, masterKey string, done func() bool, arguments ...string) {
	k.Helper()
	arguments = append(arguments, "--master-key-file", masterKey)
	for range 3 {
		var server *exec.Cmd
		if serving {
			server = k.serve(masterKey)
		}
		k.run(server, rand.N(k.took+k.took/4), arguments...)
		if server != nil {
			_ = server.Process.Kill()
			_ = server.Wait()
		}
		if !k.opens(masterKey) {
			k.Fatalf("killed in %v: the store does not open with the key it was opened with", arguments)
		}
		if done() {
			k.late++
			return
		}
		k.before++
	}
	k.run(nil, -1, arguments...)
}

// TestRewrapSurvivesKills changes the master key to and fro while the processes that do it are killed at any moment: at each the store
// opens with the key it must open with, nothing sealed is lost, and the step can be repeated.
func TestRewrapSurvivesKills(t *testing.T) {
	k := newKilled(t)
	old, next := k.masterKey("old"), k.masterKey("next")
	if !k.opens(old) {
		t.Fatal("the store was not made")
	}
	k.run(nil, -1, "key", "list", "--master-key-file", old)
	for round := range 4 {
		serving := round%2 == 1
		k.step(serving, old, func() bool { return k.opens(next) }, "key", "rewrap", "--new-master-key-file", next)
		if !k.opens(old) || !k.opens(next) {
			t.Fatal("the store does not open with both keys")
		}
		k.step(serving, next, func() bool { return !k.opens(old) }, "key", "rewrap", "--finish")
		if k.opens(old) || !k.opens(next) {
			t.Fatal("the store does not open with the new key alone")
		}
		old, next = next, old
	}
	t.Logf("%d kills came before the change, %d after", k.before, k.late)
}
