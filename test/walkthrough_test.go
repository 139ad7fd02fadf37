package test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// The walk-through of docs/operations.md, line by line in one shell, on other ports and another database server. From the moment that there is
// an organization, clients are at work through the balancer, and no request of theirs fails while the keys are changed and the nodes restarted.
func TestWalkthrough(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"psql", "pg_dump", "pg_restore", "haproxy", "curl", "openssl", "aws"} {
		tool(t, name, "the walk-through of docs/operations.md was not tried")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	w := startWalk(t, postgrestest.Database(t), startIssuer(t), path)
	for _, containing := range []string{"CREATE ROLE", "openssl req", "migrate", "haproxy -D"} {
		w.step(t, containing)
	}
	out := w.step(t, "symbolon apply")
	if !strings.Contains(out, ":user/deployer") || !strings.Contains(out, "portal\tarn:aws:sso::111122223333:application/") {
		t.Errorf("the client sees\n%s", out)
	}
	s := w.server(t)
	l := startLoad(t, newWorldOf(t, s, adminClients(t, s), w.issuer))
	out = w.step(t, "key rewrap")
	l.reach(t, l.count.Load()+200)
	if !strings.Contains(out, "alone") || !strings.Contains(out, "published") || strings.Count(out, "master key") < 3 {
		t.Errorf("changing keys says\n%s", out)
	}
	if out = w.step(t, "doctor --config node$n"); strings.Count(out, "refused ") != 1 || !strings.Contains(out, "symbolon_nodes 3") {
		t.Errorf("the refused request and the figures are\n%s", out)
	}
	out = w.step(t, "pg_dump")
	l.end(t)
	if !strings.Contains(out, "have ended (epoch ") || !strings.Contains(out, "\n0 faults, ") {
		t.Errorf("restoring elsewhere says\n%s", out)
	}
	w.step(t, "DROP ROLE")
	t.Logf("%d requests, %d failed", l.count.Load(), len(l.failures))
}

// walk is a shell at work on the walk-through.
type walk struct {
	folder, balancer string // the balancer's host and port
	issuer           *tokenIssuer
	blocks           []string
	adapt            *strings.Replacer
	in               io.Writer
	out              *bufio.Reader
}

const stepOver = "== the step is over"

// startWalk prepares a folder as if it were the top of a checkout with the program built, and a shell in it. The URL is a superuser's.
func startWalk(t *testing.T, database string, issuer *tokenIssuer, program string) *walk {
	t.Helper()
	text := readFile(t, "../docs/operations.md")
	_, text, _ = strings.Cut(text, "\n## Three nodes, step by step\n")
	text, _, _ = strings.Cut(text, "\n## ")
	w := &walk{folder: t.TempDir(), issuer: issuer, balancer: lastingAddress(t)}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		w.blocks = append(w.blocks, block[1])
	}
	if err := os.Symlink(program, filepath.Join(w.folder, "symbolon")); err != nil {
		t.Fatal(err)
	}
	deploy, err := filepath.Abs("../deploy")
	if err == nil {
		err = os.Symlink(deploy, filepath.Join(w.folder, "deploy"))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.translate(t, database)
	shell := exec.Command("sh", "-e")
	shell.Dir, shell.SysProcAttr = w.folder, &syscall.SysProcAttr{Setpgid: true}
	shell.Env = append(cleanEnvironment(), "SYMBOLON_CONFIG_ALLOWED_ISSUER_ORIGINS="+issuer.url, "SYMBOLON_CONFIG_LIMITS=off",
		"SYMBOLON_CONFIG_DRAIN_DELAY=3s", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, said := io.Pipe()
	shell.Stdout, shell.Stderr = said, said
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	w.in, w.out = in, bufio.NewReader(out)
	ended := make(chan struct{})
	go func() {
		_ = shell.Wait() // the steps say how it went
		said.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		in.Close()
		if text, err := os.ReadFile(filepath.Join(w.folder, "haproxy.pid")); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended
			}
		}
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) // likewise
		out.Close()
		<-ended
		w.logs(t)
	})
	return w
}

// logs shows what the nodes said, if something went wrong.
func (w *walk) logs(t *testing.T) {
	if !t.Failed() {
		return
	}
	names, err := filepath.Glob(filepath.Join(w.folder, "node*.log"))
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		t.Logf("%s:\n%s", name, readFile(t, name))
	}
}

// translate finds ports and names that are free here for those of the text, of which it must know every one.
func (w *walk) translate(t *testing.T, database string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(w.balancer)
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := freeTens(t), freeTens(t)
	name := "walk_" + strings.TrimPrefix(u.Path, "/")
	w.adapt = strings.NewReplacer("postgres://postgres:password@127.0.0.1:5432/postgres", "'"+database+"'", "127.0.0.1:5432", u.Host, "rehearsal", name,
		"8443", port, "808$", listen+"$", `808\1`, listen+`\1`, "8081", listen+"1", "8084", listen+"4", "946$", admin+"$", "9461", admin+"1", "9464", admin+"4")
}

// freeTens is the beginning of ports of which those that end with 1 to 4 are free, and which the system gives to nobody by itself.
func freeTens(t *testing.T) string {
	t.Helper()
	for range 100 {
		tens, free := 2000+rand.IntN(1000), true
		for i := 1; i <= 4 && free; i++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d%d", tens, i))
			if free = err == nil; free {
				l.Close()
			}
		}
		if free {
			return strconv.Itoa(tens)
		}
	}
	t.Fatal("no four free ports in a row")
	return ""
}

// step runs the block that contains a text and returns what it says. Every line of it must succeed.
func (w *walk) step(t *testing.T, containing string) string {
	t.Helper()
	var block string
	for _, b := range w.blocks {
		if strings.Contains(b, containing) {
			block = b
			break
		}
	}
	if block == "" {
		t.Fatalf("no step of the walk-through has %q", containing)
	}
	if first, rest, ok := strings.Cut(block, "\n"); ok && strings.Contains(first, "go build") {
		block = rest // it is built already
	}
	if _, err := io.WriteString(w.in, w.adapt.Replace(block)+"\necho '"+stepOver+"'\n"); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for {
		line, err := w.out.ReadString('\n')
		if strings.TrimSpace(line) == stepOver {
			return said.String()
		}
		said.WriteString(line)
		if err != nil {
			t.Fatalf("the step with %q ends early:\n%s", containing, &said)
		}
	}
}

// server is what the walk-through has set up, as clients see it.
func (w *walk) server(t *testing.T) *server {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(t, filepath.Join(w.folder, "tls.crt"))))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	key := regexp.MustCompile(`access key of deployer in 111122223333: (\S+) (\S+) `).FindStringSubmatch(readFile(t, filepath.Join(w.folder, "apply.out")))
	if key == nil {
		t.Fatal("apply printed no access key")
	}
	_, port, _ := net.SplitHostPort(w.balancer)
	s := &server{
		url: "https://localhost:" + port, folder: w.folder, http: &http.Client{Transport: transport, Timeout: time.Minute},
		env: map[string]string{"AWS_ACCESS_KEY_ID": key[1], "AWS_SECRET_ACCESS_KEY": key[2], "AWS_REGION": "us-east-1", "SYMBOLON_USER": "alice",
			"SYMBOLON_ACCOUNT_ID": "111122223333"},
	}
	list := must(adminClients(t, s).admin.ListInstances(t.Context(), &ssoadmin.ListInstancesInput{}))(t)
	s.env["SYMBOLON_INSTANCE_ARN"], s.env["SYMBOLON_IDENTITY_STORE_ID"] = *list.Instances[0].InstanceArn, *list.Instances[0].IdentityStoreId
	return s
}
