package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// keyNodes are server processes on one database, and an operator with commands beside them.
type keyNodes struct {
	*testing.T
	database string
}

// keyNode is one server process.
type keyNode struct {
	*exec.Cmd
	address, folder string
	log             bytes.Buffer
}

func (k *keyNodes) start(n *keyNode, masterKey string) {
	k.Helper()
	n.Cmd = exec.Command("symbolon", "serve", "--listen", n.address, "--issuer", "http://127.0.0.1:9", "--data", n.folder,
		"--database-url", k.database, "--master-key-file", masterKey, "--drain-delay", "0s")
	n.Stdout, n.Stderr = &n.log, &n.log
	if err := n.Start(); err != nil {
		k.Fatal(err)
	}
	process := n.Cmd
	k.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	k.within(30*time.Second, "the node is ready", func() bool {
		response, err := http.Get("http://" + n.address + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func (k *keyNodes) stop(n *keyNode) {
	k.Helper()
	if err := n.Process.Signal(syscall.SIGTERM); err != nil {
		k.Fatal(err)
	}
	if err := n.Wait(); err != nil {
		k.Fatalf("%v\n%s", err, &n.log)
	}
}

func (k *keyNodes) within(limit time.Duration, what string, holds func() bool) {
	k.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			k.Fatalf("after %s it is not so that %s", limit, what)
		}
	}
}

// key runs a key command on the database, from a folder where no server runs.
func (k *keyNodes) key(masterKey string, arguments ...string) (out string, ok bool) {
	k.Helper()
	c := exec.Command("symbolon", append(append([]string{"key"}, arguments...), "--data", k.TempDir(), "--database-url", k.database,
		"--master-key-file", masterKey)...)
	text, err := c.CombinedOutput()
	return string(text), err == nil
}

func (k *keyNodes) must(masterKey string, arguments ...string) string {
	k.Helper()
	out, ok := k.key(masterKey, arguments...)
	if !ok {
		k.Fatalf("key %v: %s", arguments, out)
	}
	return out
}

// publishes says whether a node's JWKS has a key.
func (k *keyNodes) publishes(n *keyNode, id string) bool {
	k.Helper()
	response, err := http.Get("http://" + n.address + "/.well-known/jwks.json")
	if err != nil {
		k.Fatal(err)
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&set); err != nil {
		k.Fatal(err)
	}
	for _, key := range set.Keys {
		if key.ID == id {
			return true
		}
	}
	return false
}

var madeID = regexp.MustCompile(`made the signing-es256 key (\S+),`)

// TestKeysOfManyNodes is what an operator does to several servers on one database: keys are rotated and retired by commands that work on
// the database itself, and every node heeds them within a second; the master key is changed with one node restarted after the other, and
// cannot be withdrawn before the last.
func TestKeysOfManyNodes(t *testing.T) {
	k := &keyNodes{T: t, database: postgrestest.Database(t)}
	var masters [2]string
	for i, name := range []string{"the first master key", "the second master key"} {
		masters[i] = filepath.Join(t.TempDir(), "key")
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(name, 2)[:32]))
		if err := os.WriteFile(masters[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var nodes [2]*keyNode
	for i := range nodes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = &keyNode{address: l.Addr().String(), folder: t.TempDir()}
		l.Close()
		k.start(nodes[i], masters[0])
	}

	id := madeID.FindStringSubmatch(k.must(masters[0], "rotate", "ES256"))[1]
	began := time.Now() // within a second is what token's tests prove; here are other things under way
	for _, n := range nodes {
		k.within(5*time.Second, "the node publishes the next key", func() bool { return k.publishes(n, id) })
	}
	t.Logf("the nodes have the next key %s after the command", time.Since(began))
	if out, ok := k.key(masters[1], "list"); ok || !strings.Contains(out, "the master key does not open the keys of this store") {
		t.Errorf("with another master key: %s", out)
	}
	k.must(masters[0], "retire", id)
	began = time.Now()
	for _, n := range nodes {
		k.within(5*time.Second, "the node has dropped the retired key", func() bool { return !k.publishes(n, id) })
	}
	t.Logf("the nodes have dropped the retired key %s after the command", time.Since(began))

	k.must(masters[0], "rewrap", "--new-master-key-file", masters[1])
	k.stop(nodes[0])
	k.start(nodes[0], masters[1])
	out, ok := k.key(masters[1], "rewrap", "--finish")
	if want := fmt.Sprintf("%s, heard of", nodes[1].address); ok || !strings.Contains(out, want) || !strings.Contains(out, "runs with the old master key") {
		t.Fatalf("finished, or without %q: %s", want, out)
	}
	id = madeID.FindStringSubmatch(k.must(masters[1], "rotate", "--now", "ES256"))[1] // made under the new one, heeded under the old
	for _, n := range nodes {
		k.within(5*time.Second, "the node publishes the key made meanwhile", func() bool { return k.publishes(n, id) })
	}
	k.stop(nodes[1])
	k.start(nodes[1], masters[1])
	k.must(masters[1], "rewrap", "--finish")
	if out, ok := k.key(masters[0], "list"); ok {
		t.Errorf("the old master key still opens the store: %s", out)
	}
	k.must(masters[1], "rotate", "--all")
	for _, n := range nodes {
		if response, err := http.Get("http://" + n.address + "/readyz"); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("a node is not ready: %v, %v", response, err)
		}
		k.stop(n)
	}
}
