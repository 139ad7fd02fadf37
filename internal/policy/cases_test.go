package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// callers are the principals that the cases name.
var callers = map[string]Principal{
	"root":  {Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", ID: "111122223333"},
	"alice": {Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice", ID: "AIDAALICEALICE000001"},
	"bob":   {Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/team/bob", ID: "AIDABOBBOBBOBBOB0002"},
	"other": {Account: "444455556666", ARN: "arn:aws:iam::444455556666:user/other", ID: "AIDAOTHEROTHER000003"},
	"gateway": {
		Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/gateway/one",
		RoleARN: "arn:aws:iam::111122223333:role/apps/gateway", ID: "AROAGATEWAYGATEWAY01:one",
	},
	"gateway2": {
		Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/gateway/two",
		RoleARN: "arn:aws:iam::111122223333:role/apps/gateway", ID: "AROAGATEWAYGATEWAY01:two",
	},
	// The role of the same name in another account.
	"gateway-b": {
		Account: "444455556666", ARN: "arn:aws:sts::444455556666:assumed-role/gateway/one",
		RoleARN: "arn:aws:iam::444455556666:role/apps/gateway", ID: "AROAGATEWAYGATEWAY99:one",
	},
	"federated": {Account: "111122223333", ARN: "arn:aws:sts::111122223333:federated-user/fred", ID: "111122223333:fred"},
	"service":   {Service: "sso.amazonaws.com"},
}

// TestCases runs testdata/*.txtar. Each has policies, whose names begin with what they are for, and a file "requests":
//
//	> caller action resource [+policy ...] [@owner=account] [@required] [@session] [key=value ...]
//	allow|deny|explicit part of the answer's sentence
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			policies := map[string]*Policy{}
			requests := ""
			for name, text := range readArchive(t, file) {
				name, isPolicy := strings.CutSuffix(name, ".json")
				if !isPolicy {
					requests = text
					continue
				}
				if policies[name], err = Parse(kindOf(name), name, []byte(text)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			runCases(t, policies, requests)
		})
	}
}

// readArchive reads a text archive: files that begin with a line "-- name --".
func readArchive(t testing.TB, file string) map[string]string {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files, name := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		if header, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(header, " --") {
			name = strings.TrimSuffix(header, " --")
		} else if name != "" {
			files[name] += line
		}
	}
	return files
}

func kindOf(name string) Kind {
	switch {
	case strings.HasPrefix(name, "resource"):
		return Resource
	case strings.HasPrefix(name, "trust"):
		return Trust
	}
	return Identity
}

func runCases(t *testing.T, policies map[string]*Policy, requests string) {
	lines := strings.Split(requests, "\n")
	for i, line := range lines {
		asked, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		ps, r, err := readCase(policies, strings.Fields(asked))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		want, sentence, _ := strings.Cut(lines[i+1], " ")
		a := ps.Evaluate(r)
		got := map[[2]bool]string{{true, false}: "allow", {false, false}: "deny", {false, true}: "explicit"}[[2]bool{a.Allowed, a.Explicit}]
		if got != want || !strings.Contains(a.String(), sentence) {
			t.Errorf("%s\n got %s %s\nwant %s %s", line, got, a, want, sentence)
		}
		if len(a.Reasons) == 0 {
			t.Errorf("%s: no reasons", line)
		}
	}
}

func readCase(policies map[string]*Policy, fields []string) (*Policies, *Request, error) {
	if len(fields) < 3 {
		return nil, nil, fmt.Errorf("too short")
	}
	caller, ok := callers[fields[0]]
	if !ok {
		return nil, nil, fmt.Errorf("unknown caller")
	}
	ps, r := &Policies{}, &Request{Principal: caller, Action: fields[1], Resource: fields[2], Context: Values{}}
	for _, f := range fields[3:] {
		key, value, _ := strings.Cut(f, "=")
		switch {
		case f == "@required":
			ps.ResourceRequired = true
		case f == "@session":
			ps.HasSession = true
		case key == "@owner":
			r.ResourceAccount = value
		case f[0] == '+':
			p := policies[f[1:]]
			switch place, _, _ := strings.Cut(f[1:], "-"); {
			case p == nil:
				return nil, nil, fmt.Errorf("unknown policy %s", f)
			case place == "identity":
				ps.Identity = append(ps.Identity, p)
			case place == "boundary":
				ps.Boundary = p
			case place == "session":
				ps.Session, ps.HasSession = append(ps.Session, p), true
			case place == "guard":
				ps.Guards = append(ps.Guards, p)
			default:
				ps.Resource = p
			}
		default:
			r.Context[key] = append(r.Context[key], value)
		}
	}
	return ps, r, nil
}
