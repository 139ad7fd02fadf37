package proof

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
	"github.com/symbolon/symbolon/internal/iam"
)

// server is the system under proof: one or more processes of `symbolon serve`, its nodes, on one store. They answer for one
// another: every call goes to any of them.
type server struct {
	dir      string // everything of this server is below it
	nodes    []*node
	settings []string  // of every node
	database *database // of all nodes; nil if the one node keeps its data in its folder
	issuer   *issuer
	client   *http.Client

	endpoint                string // what clients are told, and the tokens' issuer
	instance, identityStore string
	keyID, keySecret        string            // an administrator's
	apps                    map[string]string // ARNs by name

	dying  atomic.Bool  // a kill is under way or done, and no start since: calls may stay without an answer
	killed atomic.Int64 // when nothing that the last killed process had begun could go on any more

	// of several nodes:
	fault   func()     // what befalls them in place of a kill
	strikes [][2]int64 // when faults began and ended, in this round
	seen    *tally     // of histories under this fault
	mu      sync.Mutex
	chance  *dice // who is asked
}

// node is one process. It can be killed and started again.
type node struct {
	data    string // its folder, on a real disk
	address string
	network *network // to the database, if that is apart
	launch  func(program string, arguments ...string) (c *exec.Cmd, started func(), err error)

	mu      sync.Mutex
	process *exec.Cmd
	log     strings.Builder
}

const region = "us-east-1"

// organization: web signs users in, worker takes assertions, reports takes web's and worker's tokens.
const organization = `
instance: { name: proof, account: "111122223333" }
users:
  - { userName: alice, displayName: Alice, givenName: Alice, familyName: A, email: alice@example.com, password: PASSWORD }
groups:
  - { name: everyone, members: [alice] }
trustedTokenIssuers:
  - { name: issuer, issuerUrl: "ISSUER", claim: email, attribute: emails.value }
applications:
  - name: web
    actors: ["111122223333"]
    grants: { authorizationCode: { redirectUris: ["http://127.0.0.1/callback"] }, refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { groups: [everyone] }
  - name: worker
    assignmentRequired: false
    actors: ["111122223333"]
    grants: { jwtBearer: [ { issuer: issuer, audiences: [worker] } ], refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
  - name: reports
    assignmentRequired: false
    actors: ["111122223333"]
    grants: { tokenExchange: true, refreshToken: true }
    scopes: [ { scope: "reports:read" } ]
iam:
  users:
    - name: administrator
      attachedPolicies: ["arn:aws:iam::aws:policy/AdministratorAccess"]
      accessKeys: [ { id: "KEYID", secret: "KEYSECRET" } ]
`

const password = "correct-horse-battery-staple-9"

// startServer starts one node on a folder.
func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	s := newServer(t, 1, settings...)
	s.start(t)
	s.seed(t)
	return s
}

// newServer prepares nodes that are not started yet, on a database of their own or one on its folder.
func newServer(t *testing.T, nodes int, settings ...string) *server {
	t.Helper()
	switch *store {
	case "postgres":
		s := newServerOn(t, startDatabase(t), nodes, settings...)
		for _, n := range s.nodes {
			n.network = newNetwork(t, fmt.Sprintf("127.0.0.1:%d", s.database.Port()))
		}
		return s
	case "sqlite":
		if nodes > 1 {
			t.Skip("several nodes share one database: -store postgres")
		}
		return newServerOn(t, nil, nodes, settings...)
	}
	t.Fatalf("-store is %q, neither sqlite nor postgres", *store)
	return nil
}

// newServerOn prepares nodes on this database; without, one on its folder.
func newServerOn(t *testing.T, d *database, nodes int, settings ...string) *server {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(program), "data-")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		dir: dir, settings: settings, database: d, issuer: startIssuer(t), apps: map[string]string{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}},
	}
	s.keyID, s.keySecret = iam.NewAccessKey()
	for i := range nodes {
		n := &node{data: filepath.Join(dir, fmt.Sprint("disk-", i), "data"), address: freeAddress(t), launch: plainly}
		if err := os.Mkdir(filepath.Dir(n.data), 0o700); err != nil {
			t.Fatal(err)
		}
		s.nodes = append(s.nodes, n)
	}
	if d != nil {
		s.settings = append(s.settings, "--master-key-file", s.masterKeyFile(t))
	}
	s.endpoint = "http://" + s.nodes[0].address
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			for i, n := range s.nodes {
				t.Logf("the log of node %d:\n%s", i, &n.log)
			}
		}
		os.RemoveAll(dir)
	})
	return s
}

// plainly runs a program without anything around it.
func plainly(program string, arguments ...string) (*exec.Cmd, func(), error) {
	return exec.Command(program, arguments...), func() {}, nil
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts the nodes that are not running, and returns when they answer.
func (s *server) start(t *testing.T) {
	t.Helper()
	for _, n := range s.nodes {
		if err := n.start(s); err != nil {
			t.Fatalf("%v\n%s", err, &n.log)
		}
	}
	s.dying.Store(false)
}

func (n *node) start(s *server) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		return nil
	}
	arguments := append([]string{
		"serve", "--data", n.data, "--listen", n.address, "--issuer", s.endpoint, "--limits", "off",
		"--drain-delay", "0s", "--allowed-issuer-origins", s.issuer.url,
	}, s.settings...)
	process, started, err := n.launch(program, arguments...)
	if err != nil {
		return err
	}
	process.Stderr, process.Env = &n.log, s.environment(n)
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	started()
	n.process = process
	ended := make(chan struct{})
	go func() { // ends with the process
		defer close(ended)
		_, _ = io.Copy(io.Discard, out)
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		select {
		case <-ended:
			_ = process.Wait()
			n.process = nil
			return fmt.Errorf("the server ended while starting")
		default:
		}
		if s.healthy(n) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server is not ready after 20 s")
		}
	}
}

func (s *server) healthy(n *node) bool {
	response, err := s.client.Get("http://" + n.address + "/readyz")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// kill ends every node as losing it would: no signal that it could handle.
func (s *server) kill() {
	s.dying.Store(true)
	for _, n := range s.nodes {
		n.end(os.Kill)
	}
	if s.database != nil && s.database.Running() {
		if err := s.database.settle(); err != nil {
			panic(err) // then nothing can be said about what is still going on
		}
	}
	s.killed.Store(moment())
}

// end sends the signal and waits until the process is gone. It says how many that were: one or none.
func (n *node) end(signal os.Signal) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return 0
	}
	_ = n.process.Process.Signal(signal)
	_ = n.process.Wait()
	n.process = nil
	return 1
}

// seed applies the organization, as often as one likes, and learns its names.
func (s *server) seed(t *testing.T) {
	t.Helper()
	text := strings.NewReplacer("ISSUER", s.issuer.url, "PASSWORD", password, "KEYID", s.keyID, "KEYSECRET", s.keySecret).Replace(organization)
	if a := s.apply(text); a.err != nil {
		t.Fatal(a.err)
	}
	var instances struct {
		Instances []struct{ InstanceArn, IdentityStoreId string }
	}
	s.admin("sso", "SWBExternalService.ListInstances", map[string]any{}).must(t, &instances)
	if len(instances.Instances) != 1 {
		t.Fatalf("instances: %v", instances)
	}
	s.instance, s.identityStore = instances.Instances[0].InstanceArn, instances.Instances[0].IdentityStoreId
	var list struct {
		Applications []struct{ ApplicationArn, Name string }
	}
	s.admin("sso", "SWBExternalService.ListApplications", map[string]any{"InstanceArn": s.instance}).must(t, &list)
	for _, a := range list.Applications {
		s.apps[a.Name] = a.ApplicationArn
	}
	if len(s.apps) < 3 {
		t.Fatalf("applications: %v", s.apps)
	}
}

// apply applies an organization through the running server, as `symbolon apply` does; 200 says that it did. The command itself would
// open the store where no server runs, which is not what a proof wants that has just killed one.
func (s *server) apply(text string) (a answer) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a.call, a.sent = moment(), true
	_, a.err = symbolon.ApplyThrough(ctx, s.nodes[0].data, []byte(text))
	if a.back = moment(); a.err == nil {
		a.status = http.StatusOK
	}
	return a
}

// anyone is the node that a call goes to. The round's seed decides, as long as the calls follow one another.
func (s *server) anyone() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chance == nil {
		return 0
	}
	return s.chance.IntN(len(s.nodes))
}

// among is a node by the chance of one of several clients.
func (s *server) among(d *dice) int { return d.IntN(len(s.nodes)) }

// dial connects to this node, or to the next that takes connections.
func (s *server) dial(node int) (conn net.Conn, err error) {
	for i := range s.nodes {
		n := s.nodes[(node+i)%len(s.nodes)]
		if conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", n.address); err == nil {
			break
		}
	}
	return conn, err
}

// nodeAt is the node with this address.
func (s *server) nodeAt(address net.Addr) int {
	return slices.IndexFunc(s.nodes, func(n *node) bool { return n.address == address.String() })
}

var began = time.Now()

// moment is the monotonic clock of histories.
func moment() int64 { return int64(time.Since(began)) }
