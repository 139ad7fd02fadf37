// Package golden compares our wire forms with AWS's: the recorded requests, answers and errors that lie in the AWS SDK
// for Go's service modules go through our own routing, decoding and encoding. When AWS changes an operation, a newer
// SDK module in go.mod makes a test here fail and name the member.
package golden

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	// Only their recorded messages are used; importing something of them keeps them in go.mod.
	_ "github.com/aws/aws-sdk-go-v2/service/iam/types"
	_ "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	_ "github.com/aws/aws-sdk-go-v2/service/sso/types"
	_ "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	_ "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/wire"
)

var update = flag.Bool("update", false, "write missing.txt anew")

// modules are the SDK's service modules and our service of each; "" where we serve nothing of it yet.
var modules = []struct{ sdk, ours string }{
	{"ssooidc", "sso-oidc"},
	{"sso", "sso"},
	{"ssoadmin", "sso-admin"},
	{"identitystore", "identitystore"},
	{"sts", "sts"},
	{"iam", "iam"},
}

// ours are the services as they are served, by name. Nothing is called, so the rooms need nothing.
func ours() map[string]*wire.Service {
	services := map[string]*wire.Service{}
	for _, s := range []*wire.Service{
		(&oidc.Server{}).Service(),
		(&ssoadmin.Server{}).Service(),
		(&identitystore.Server{}).Service(),
		(&iam.Server{}).Service(),
	} {
		services[s.Name] = s
	}
	return services
}

func find(s *wire.Service, operation string) *wire.Operation {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Operations, func(o wire.Operation) bool { return o.Name == operation })
	if i < 0 {
		return nil
	}
	return &s.Operations[i]
}

// snapshot is one recorded message.
type snapshot struct {
	name   string // operation or error
	start  string // "POST /token?aws_iam=t", or a status
	header http.Header
	body   []byte
}

// snapshots reads the recorded messages of a module; kind is "request", "response" or "error".
func snapshots(t *testing.T, module, kind string) []snapshot {
	t.Helper()
	path := "github.com/aws/aws-sdk-go-v2/service/" + module
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatalf("%s is not in the module cache; run go mod download in test/: %v", path, err)
	}
	folder := map[string]string{"request": "request_snapshot", "response": "response_snapshot", "error": "response_snapshot"}[kind]
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), folder, "*."+kind+".snap"))
	if err != nil {
		t.Fatal(err)
	}
	var out []snapshot
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s.name, _, _ = strings.Cut(filepath.Base(file), ".")
		out = append(out, s)
	}
	return out
}

// parse reads a snapshot: a start line, header lines (for requests after an empty line), an empty line, the body.
func parse(text []byte) (snapshot, error) {
	start, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok {
		return snapshot{}, errors.New("no start line")
	}
	rest = bytes.TrimPrefix(rest, []byte("\n"))
	head, body, _ := bytes.Cut(rest, []byte("\n\n"))
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\n\n"...)))).ReadMIMEHeader()
	return snapshot{start: string(start), header: http.Header(header), body: bytes.TrimSpace(body)}, err
}

// TestMissing keeps missing.txt, the operations of these services that we do not serve, in step with the code.
func TestMissing(t *testing.T) {
	services := ours()
	var missing []string
	for _, m := range modules {
		all := snapshots(t, m.sdk, "request")
		if len(all) == 0 {
			t.Fatalf("%s has no recorded requests", m.sdk)
		}
		for _, s := range all {
			if find(services[m.ours], s.name) == nil {
				missing = append(missing, m.ours+"."+s.name)
			}
		}
	}
	slices.Sort(missing)
	text := strings.Join(missing, "\n") + "\n"
	if *update {
		if err := os.WriteFile("missing.txt", []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile("missing.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if string(recorded) != text {
		t.Errorf("missing.txt is not what is missing (- recorded, + missing now); if that is as it should be, run go test ./golden -update\n%s",
			cmp.Diff(strings.Split(string(recorded), "\n"), strings.Split(text, "\n")))
	}
}

// TestRequests: the recorded request of every operation we serve is routed to it and read without loss.
func TestRequests(t *testing.T) {
	services := ours()
	server := &wire.Server{}
	for _, s := range services {
		server.Services = append(server.Services, s)
	}
	seen := 0
	for _, m := range modules {
		for _, s := range snapshots(t, m.sdk, "request") {
			operation := find(services[m.ours], s.name)
			if operation == nil {
				continue
			}
			seen++
			call, err := server.DecodeRequest(request(t, s))
			if err != nil {
				t.Errorf("%s.%s: %v\n%s", m.ours, s.name, err, s.body)
				continue
			}
			if call.Operation == nil || call.Operation.Name != s.name || call.Service.Name != m.ours {
				t.Errorf("%s.%s was routed to %v", m.ours, s.name, call.Operation)
				continue
			}
			got, err := operation.EncodeJSON(call.Input)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sent(t, call.Service, s), flat(call.Service, decode(t, got))); diff != "" {
				t.Errorf("%s.%s is not read as sent (- sent, + read):\n%s", m.ours, s.name, diff)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d operations were compared", seen)
	}
}

func request(t *testing.T, s snapshot) *http.Request {
	t.Helper()
	method, target, ok := strings.Cut(s.start, " ")
	if !ok {
		t.Fatalf("%s: start line %q", s.name, s.start)
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(s.body))
	r.Header = s.header.Clone()
	return r
}

// sent is what the recorded request says, in the form that flat gives to what was read.
func sent(t *testing.T, service *wire.Service, s snapshot) any {
	t.Helper()
	if service.Protocol != wire.AWSQuery {
		return decode(t, s.body)
	}
	m := map[string]string{}
	for part := range strings.SplitSeq(string(s.body), "&") {
		name, value, _ := strings.Cut(part, "=")
		if name != "Action" && name != "Version" {
			m[name] = value
		}
	}
	return m
}

// flat brings a decoded input into a query service's dotted names; other services' inputs stay as they are.
func flat(service *wire.Service, v any) any {
	if service.Protocol != wire.AWSQuery {
		return v
	}
	out := map[string]string{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				walk(strings.TrimPrefix(prefix+"."+name, "."), value)
			}
		case []any:
			for i, value := range v {
				walk(fmt.Sprintf("%s.member.%d", prefix, i+1), value)
			}
		default:
			out[prefix] = fmt.Sprint(v)
		}
	}
	walk("", v)
	return out
}

func decode(t *testing.T, body []byte) any {
	t.Helper()
	if len(body) == 0 {
		return map[string]any{}
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// TestResponses: the recorded answer of every operation we serve has a place for all its members in our output type,
// and is written as it was.
func TestResponses(t *testing.T) {
	services := ours()
	seen := 0
	for _, m := range modules {
		for _, s := range snapshots(t, m.sdk, "response") {
			operation := find(services[m.ours], s.name)
			if operation == nil {
				continue
			}
			seen++
			out, err := operation.DecodeOutput(s.body)
			if err != nil {
				t.Errorf("%s.%s: %v\n%s", m.ours, s.name, err, s.body)
				continue
			}
			got, err := operation.EncodeJSON(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, s.body), decode(t, got)); diff != "" {
				t.Errorf("%s.%s is not written as recorded (- recorded, + ours):\n%s", m.ours, s.name, diff)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d operations were compared", seen)
	}
}

// TestErrors: the recorded errors of the services we serve are written as they were. Ours carry their name in the
// header (rest-json) and repeat the description as message, for the SDKs that print nothing else.
func TestErrors(t *testing.T) {
	services := ours()
	for _, m := range modules {
		service := services[m.ours]
		if service == nil {
			continue
		}
		for _, s := range snapshots(t, m.sdk, "error") {
			want := decode(t, s.body).(map[string]any)
			e, status := recordedError(t, s, want)
			w := answer(t, service, e)
			got := decode(t, w.Body.Bytes()).(map[string]any)
			if service.Protocol == wire.RestJSON1 {
				if got["message"] != want["error_description"] {
					t.Errorf("%s.%s: message %v", m.ours, s.name, got["message"])
				}
				delete(got, "message")
				got["__type"] = w.Header().Get("X-Amzn-Errortype")
			}
			if diff := cmp.Diff(want, got); diff != "" || w.Code != status {
				t.Errorf("%s.%s: status %d, want %d (- recorded, + ours):\n%s", m.ours, s.name, w.Code, status, diff)
			}
			if got := w.Header().Get("X-Amzn-Errortype"); got != s.name {
				t.Errorf("%s.%s: header %s", m.ours, s.name, got)
			}
		}
	}
}

// recordedError is the error that a room would return to get this answer.
func recordedError(t *testing.T, s snapshot, body map[string]any) (*wire.Error, int) {
	t.Helper()
	status, err := strconv.Atoi(s.start)
	if err != nil {
		t.Fatalf("%s: status %q", s.name, s.start)
	}
	e := &wire.Error{Code: s.name, Status: status, Fields: map[string]any{}}
	for name, value := range body {
		switch name {
		case "__type":
		case "Message", "error_description":
			e.Message = value.(string)
		default:
			e.Fields[name] = value
		}
	}
	return e, status
}

// answer serves one request that ends in the error, by a service that speaks like the given one.
func answer(t *testing.T, like *wire.Service, e *wire.Error) *httptest.ResponseRecorder {
	t.Helper()
	type nothing struct{}
	service := *like
	service.Resources = nil
	service.Operations = []wire.Operation{wire.Op(
		wire.Operation{Name: "Fail", Method: "POST", Path: "/fail", Auth: wire.None},
		func(context.Context, *nothing) (*nothing, error) { return nil, e })}
	server := &wire.Server{
		Services: []*wire.Service{&service},
		Finish:   func(context.Context, *wire.Call) error { return nil },
	}
	target := "/fail"
	if like.Protocol == wire.AWSJSON11 {
		target = "/"
	}
	r := httptest.NewRequest("POST", target, strings.NewReader("{}"))
	if like.Protocol == wire.AWSJSON11 {
		r.Header.Set("X-Amz-Target", like.TargetPrefix+".Fail")
	}
	w := httptest.NewRecorder()
	server.Handler().ServeHTTP(w, r)
	return w
}
