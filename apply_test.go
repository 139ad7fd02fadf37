package symbolon

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// testServer is a server of a store in memory, or in c.Data if that is set.
func testServer(t *testing.T, c Config) *Server {
	t.Helper()
	c.Development = true
	if c.Memory = c.Data == ""; c.Memory {
		c.Data = t.TempDir()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func organization(t *testing.T, text string) *Organization {
	t.Helper()
	o, err := ParseOrganization("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustApply applies text and returns the changes, one a line.
func mustApply(t *testing.T, s *Server, text string) []string {
	t.Helper()
	report, err := s.Apply(t.Context(), organization(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return lines(report)
}

func lines(r *Report) []string {
	var all []string
	for _, c := range r.Changes {
		all = append(all, c.Action+" "+c.Kind+" "+c.Name)
	}
	return all
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"built-in": string(BuiltinOrganization()),
		"full":     readFile(t, "testdata/organizations/full.yaml"),
		"page":     organizationPage(t),
	} {
		t.Run(name, func(t *testing.T) {
			s := testServer(t, Config{})
			if first := mustApply(t, s, text); len(first) < 5 {
				t.Errorf("the first apply changed only %q", first)
			}
			if second := mustApply(t, s, text); len(second) > 0 {
				t.Errorf("the second apply changed %q", second)
			}
		})
	}
}

// organizationPage is the example of docs/organization.md, which readers will copy.
func organizationPage(t *testing.T) string {
	t.Helper()
	example := regexp.MustCompile("(?s)```yaml\n(instance:.*?)```").FindStringSubmatch(readFile(t, "docs/organization.md"))
	if example == nil {
		t.Fatal("docs/organization.md has no complete example")
	}
	return example[1]
}

func TestApplyMakesEveryKind(t *testing.T) {
	s := testServer(t, Config{})
	report, err := s.Apply(t.Context(), organization(t, readFile(t, "testdata/organizations/full.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if len(report.AccessKeys) != 1 {
		t.Fatalf("%d keys were made, not one", len(report.AccessKeys))
	}
	key := report.AccessKeys[0]
	if key.User != "generated" || key.Account != "111122223333" || len(key.Secret) != 40 || !strings.HasPrefix(key.ID, "AKIA") {
		t.Errorf("the key made is %+v", key)
	}
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(fullChanges, "GENERATED", key.ID)), "\n")
	if diff := cmp.Diff(want, lines(report)); diff != "" {
		t.Error(diff)
	}
	text := report.String()
	if !strings.Contains(text, "created application portal\n") || !strings.Contains(text, key.Secret) {
		t.Errorf("the report reads\n%s", text)
	}
	if got := (&Report{}).String(); got != "nothing to change\n" {
		t.Errorf("an empty report reads %q", got)
	}
}

// fullChanges are what the first apply of full.yaml reports, in order.
const fullChanges = `
created instance arn:aws:sso:::instance/ssoins-0123456789abcdef
created account 111122223333
created account 444455556666
created user alice
created user bob
created user carol
created group engineers
created membership engineers/alice
created membership engineers/bob
created group empty
created policy tokens
created role worker
created IAM user service
created access key AKIAFULLFULLFULLFULL
created access key AKIAFULLFULLFULLOLDX
created IAM user generated
created access key GENERATED
created access key AKIAROOTROOTROOTROOT
created trusted token issuer idp
created trusted token issuer plain
created application portal
created application reports
created actor policy portal
created grant portal authorization_code
created grant portal refresh_token
created grant portal urn:ietf:params:oauth:grant-type:jwt-bearer
created grant portal urn:ietf:params:oauth:grant-type:token-exchange
created scope portal reports:read
created scope portal reports:write
created assignment portal bob
created assignment portal engineers
created actor policy reports
created grant reports urn:ietf:params:oauth:grant-type:token-exchange
`

// TestApplyWritesWhatIsDeclared looks at the records themselves.
func TestApplyWritesWhatIsDeclared(t *testing.T) {
	s := testServer(t, Config{})
	mustApply(t, s, readFile(t, "testdata/organizations/full.yaml"))
	const instance, directory = "arn:aws:sso:::instance/ssoins-0123456789abcdef", "d-0123456789"
	err := s.db.View(t.Context(), func(tx *store.Tx) error {
		alice, err := identitystore.GetUserByName(tx, directory, "alice")
		check(t, err)
		attributes, err := alice.Attributes.Get()
		check(t, err)
		externals, err := alice.ExternalIDs.Get()
		check(t, err)
		if !alice.Enabled || *attributes.DisplayName != "Alice Anderson" || len(externals) != 1 {
			t.Errorf("alice is %+v", alice)
		}
		if ok, err := s.directory.PasswordMatches(tx, directory, alice.ID, "correct horse battery staple"); err != nil || !ok {
			t.Errorf("alice's password: %v, %v", ok, err)
		}
		carol, err := identitystore.GetUserByName(tx, directory, "carol")
		check(t, err)
		if carol.Enabled {
			t.Error("carol is enabled")
		}
		portal, err := ssoadmin.ApplicationByName(tx, instance, "portal")
		check(t, err)
		if !portal.Enabled || !portal.AssignmentRequired || portal.Tags["symbolon:access-token-format"] != "jwt" {
			t.Errorf("portal is %+v", portal)
		}
		reports, err := ssoadmin.ApplicationByName(tx, instance, "reports")
		check(t, err)
		if reports.Enabled || reports.AssignmentRequired {
			t.Errorf("reports is %+v", reports)
		}
		scopes, err := ssoadmin.Scopes(tx, portal.ARN)
		check(t, err)
		if len(scopes) != 2 || !slices.Equal(scopes[0].AuthorizedTargets, []string{reports.ARN, instance}) {
			t.Errorf("the scopes of portal are %+v", scopes)
		}
		role, err := iam.GetRole(tx, "444455556666", "worker")
		check(t, err)
		if role.MaxSessionDuration != 7200 || role.Path != "/jobs/" || len(role.Inline) != 1 || len(role.Attached) != 1 {
			t.Errorf("the role is %+v", role)
		}
		user, err := iam.GetUser(tx, "111122223333", "service")
		check(t, err)
		if !slices.Equal(user.Attached, []string{"arn:aws:iam::111122223333:policy/team/tokens"}) {
			t.Errorf("the policy named by its name became %q", user.Attached)
		}
		return nil
	})
	check(t, err)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestApplyUpdates changes one thing at a time in the full organization and expects exactly that in the report.
func TestApplyUpdates(t *testing.T) {
	full := readFile(t, "testdata/organizations/full.yaml")
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"instance name", "name: full,", "name: other,", []string{"updated instance arn:aws:sso:::instance/ssoins-0123456789abcdef"}},
		{"account", "name: workloads", "name: work", []string{"updated account 444455556666"}},
		{"user", "displayName: Alice Anderson", "displayName: Alice B.", []string{"updated user alice"}},
		{"user disabled", "userName: bob,", "userName: bob, enabled: false,", []string{"updated user bob"}},
		{"user enabled again", "enabled: false }\ngroups", "enabled: true }\ngroups", []string{"updated user carol"}},
		{"user's enabled left out", "enabled: false }\ngroups", "}\ngroups", nil},
		{"external id", "00u-alice", "00u-other", []string{"updated user alice"}},
		{"password", "correct horse battery staple", "another long password", []string{"updated password alice"}},
		{"first password", "userName: carol,", "userName: carol, password: a long first password,", []string{"updated password carol"}},
		{"group", "Everyone who builds", "Builders", []string{"updated group engineers"}},
		{"members", "members: [alice, bob]", "members: [carol, bob]", []string{"created membership engineers/carol", "removed membership engineers/alice"}},
		{"no members", "members: [alice, bob]", "members: []", []string{"removed membership engineers/alice", "removed membership engineers/bob"}},
		{"members left out", ", members: [alice, bob]", "", nil},
		{"issuer", "claim: sub,", "claim: email,", []string{"updated trusted token issuer idp"}},
		{"algorithms", "[RS256, PS256]", "[ES256]", []string{"updated trusted token issuer idp"}},
		{"application", "Signs people in", "Signs all in", []string{"updated application portal"}},
		{"application enabled", "    enabled: false\n", "    enabled: true\n", []string{"updated application reports"}},
		{"application's enabled left out", "    enabled: false\n", "", nil},
		{"tags", ", stage: test", "", []string{"updated application portal"}},
		{"actors", `    actors: ["111122223333"]`, `    actors: ["444455556666"]`, []string{"updated actor policy portal"}},
		{"actors left out", `    actors: ["111122223333"]` + "\n", "", nil},
		{"redirect URIs", `, "http://127.0.0.1/callback"`, "", []string{"updated grant portal authorization_code"}},
		{"refresh", "      refreshToken: true\n", "", []string{"removed grant portal refresh_token"}},
		{"no bearers", "      jwtBearer:\n        - { issuer: idp, audiences: [portal, \"https://portal.example.com\"] }\n        - { issuer: plain, audiences: [portal] }\n", "", []string{"removed grant portal urn:ietf:params:oauth:grant-type:jwt-bearer"}},
		{"audiences", "issuer: plain, audiences: [portal]", "issuer: plain, audiences: [other]", []string{"updated grant portal urn:ietf:params:oauth:grant-type:jwt-bearer"}},
		{"targets", "targets: [reports, instance]", "targets: [reports]", []string{"updated scope portal reports:read"}},
		{"scope", `      - { scope: "reports:write" }` + "\n", "", []string{"removed scope portal reports:write"}},
		{"assignments", "users: [bob], groups: [engineers]", "users: [alice], groups: []", []string{"created assignment portal alice", "removed assignment portal engineers", "removed assignment portal bob"}},
		{"policy", "sso-oauth:*", "sso-oauth:Create*", []string{"updated policy tokens"}},
		{"IAM user", "sso:List*", "sso:Describe*", []string{"updated IAM user service"}},
		{"boundary", "permissionsBoundary: arn:aws:iam::aws:policy/AdministratorAccess", "permissionsBoundary: none", []string{"updated IAM user service"}},
		{"boundary left out", "      permissionsBoundary: arn:aws:iam::aws:policy/AdministratorAccess\n", "", nil},
		{"attached", "attachedPolicies: [tokens]", "attachedPolicies: []", []string{"updated IAM user service"}},
		{"attached left out", "      attachedPolicies: [tokens]\n", "", nil},
		{"key status", "status: Inactive", "status: Active", []string{"updated access key AKIAFULLFULLFULLOLDX"}},
		{"key secret", "9876543210987654321098765432109876543210", "9876543210987654321098765432109876543211", []string{"updated access key AKIAFULLFULLFULLOLDX"}},
		{"role", "maxSessionDuration: 7200", "maxSessionDuration: 3600", []string{"updated role worker"}},
		{"trust policy", `Principal: { AWS: "111122223333" }, Action: "sts:AssumeRole"`, `Principal: { AWS: "444455556666" }, Action: "sts:AssumeRole"`, []string{"updated role worker"}},
		{"root key", "abcdefghijabcdefghijabcdefghijabcdefghij", "abcdefghijabcdefghijabcdefghijabcdefghiX", []string{"updated access key AKIAROOTROOTROOTROOT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testServer(t, Config{})
			mustApply(t, s, full)
			changed := strings.Replace(full, c.old, c.new, 1)
			if changed == full {
				t.Fatalf("full.yaml does not have %q", c.old)
			}
			got := mustApply(t, s, changed)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if again := mustApply(t, s, changed); len(again) > 0 {
				t.Errorf("applied again it changed %q", again)
			}
		})
	}
}

// smallOrganization is what the refusals below are added to.
const smallOrganization = `
instance: { name: small, account: "111122223333" }
users: [ { userName: alice } ]
`

func TestApplyErrorsNameThePlace(t *testing.T) {
	policy := `{ Version: "2012-10-17", Statement: [ { Effect: Allow, Action: "s3:*", Resource: "*" } ] }`
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"member":              {"groups: [ { name: g, members: [nobody] } ]", []string{"group g", `"nobody"`}},
		"account":             {`accounts: [ { id: "12" } ]`, []string{`account "12"`}},
		"account twice":       {`accounts: [ { id: "444455556666" }, { id: "444455556666" } ]`, []string{"accounts[1]", "twice"}},
		"account without id":  {`accounts: [ { name: x } ]`, []string{"accounts[0]", "missing"}},
		"short password":      {"groups: []\napplications: []\nusersX: []", []string{"usersX"}},
		"group twice":         {"groups: [ { name: g }, { name: g } ]", []string{"groups[1]"}},
		"issuer twice":        {`trustedTokenIssuers: [ { name: i, issuerUrl: "https://a.example.com" }, { name: i, issuerUrl: "https://a.example.com" } ]`, []string{"trustedTokenIssuers[1]"}},
		"issuer URL":          {"trustedTokenIssuers: [ { name: i, issuerUrl: nowhere } ]", []string{`trusted token issuer "i"`}},
		"issuer algorithm":    {`trustedTokenIssuers: [ { name: i, issuerUrl: "https://a.example.com", algorithms: [HS256] } ]`, []string{`trusted token issuer "i"`, "HS256"}},
		"application twice":   {"applications: [ { name: a }, { name: a } ]", []string{"applications[1]"}},
		"unknown issuer":      {"applications: [ { name: a, grants: { jwtBearer: [ { issuer: none, audiences: [x] } ] } } ]", []string{`application "a"`, "grants.jwtBearer[0]", `"none"`}},
		"no audience":         {"trustedTokenIssuers: [ { name: i, issuerUrl: \"https://a.example.com\" } ]\napplications: [ { name: a, grants: { jwtBearer: [ { issuer: i, audiences: [] } ] } } ]", []string{`"a`, "jwt-bearer"}},
		"redirect URI":        {`applications: [ { name: a, grants: { authorizationCode: { redirectUris: ["javascript:alert(1)"] } } } ]`, []string{`"a`, "authorization_code"}},
		"target":              {`applications: [ { name: a, scopes: [ { scope: "x:y", targets: [none] } ] } ]`, []string{`application "a"`, "scopes[0]", `"none"`}},
		"assigned user":       {"applications: [ { name: a, assignments: { users: [none] } } ]", []string{`application "a"`, `"none"`}},
		"assigned group":      {"applications: [ { name: a, assignments: { groups: [none] } } ]", []string{`application "a"`, `"none"`}},
		"two actor policies":  {"applications: [ { name: a, actors: [x], actorPolicy: { a: b } } ]", []string{`application "a"`, "exclude"}},
		"actor policy":        {"applications: [ { name: a, actorPolicy: { Version: x } } ]", []string{`application "a"`}},
		"reserved tag":        {`applications: [ { name: a, tags: { "symbolon:access-token-format": saml } } ]`, []string{`application "a"`, "saml"}},
		"policy":              {"iam: { policies: [ { name: p, document: { Version: never } } ] }", []string{`policy "p"`}},
		"policy twice":        {"iam: { policies: [ { name: p, document: " + policy + " }, { name: p, document: " + policy + " } ] }", []string{"iam.policies[1]"}},
		"attached policy":     {"iam: { users: [ { name: u, attachedPolicies: [none] } ] }", []string{`IAM user "u"`, `"none"`}},
		"inline policy":       {"iam: { users: [ { name: u, inlinePolicies: { p: { Version: never } } } ] }", []string{`IAM user "u"`}},
		"user's account":      {`iam: { users: [ { name: u, account: "999999999999" } ] }`, []string{`IAM user "u"`, "999999999999"}},
		"half a key":          {"iam: { users: [ { name: u, accessKeys: [ { id: AKIAHALFHALFHALFHALF } ] } ] }", []string{`IAM user "u"`, "accessKeys[0]", "there is no access key AKIAHALFHALFHALFHALF"}},
		"other half of a key": {"iam: { users: [ { name: u, accessKeys: [ { secret: 0123456789012345678901234567890123456789 } ] } ] }", []string{`IAM user "u"`, "accessKeys[0]", "without its id"}},
		"somebody else's id":  {"iam: { users: [ { name: u, accessKeys: [ { id: AKIAHALFHALFHALFHALF, secret: 0123456789012345678901234567890123456789 } ] }, { name: v, accessKeys: [ { id: AKIAHALFHALFHALFHALF, status: Inactive } ] } ] }", []string{`IAM user "v"`, "somebody else"}},
		"state of a key":      {"iam: { users: [ { name: u, accessKeys: [ { id: AKIAHALFHALFHALFHALF, secret: 0123456789012345678901234567890123456789 }, { id: AKIAHALFHALFHALFHALF, status: Idle } ] } ] }", []string{`IAM user "u"`, "Inactive"}},
		"key id":              {"iam: { users: [ { name: u, accessKeys: [ { id: x, secret: y } ] } ] }", []string{`IAM user "u"`}},
		"half a root key":     {`iam: { rootAccessKeys: [ { account: "111122223333", id: AKIAHALFHALFHALFHALF } ] }`, []string{"111122223333", "root"}},
		"somebody else's key": {"iam: { users: [ { name: u, accessKeys: [ { id: AKIAHALFHALFHALFHALF, secret: 0123456789012345678901234567890123456789 } ] }, { name: v, accessKeys: [ { id: AKIAHALFHALFHALFHALF, secret: 0123456789012345678901234567890123456789 } ] } ] }", []string{`IAM user "v"`, "somebody else"}},
		"role without trust":  {"iam: { roles: [ { name: r } ] }", []string{`role "r"`}},
		"session duration":    {"iam: { roles: [ { name: r, maxSessionDuration: 1, trustPolicy: { Version: \"2012-10-17\", Statement: [ { Effect: Allow, Principal: \"*\", Action: \"sts:AssumeRole\" } ] } } ] }", []string{`role "r"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testServer(t, Config{})
			o, err := ParseOrganization("test.yaml", []byte(smallOrganization+c.text))
			if err == nil {
				_, err = s.Apply(t.Context(), o)
			}
			for _, says := range c.says {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("error %v does not speak of %s", err, says)
				}
			}
			nothingIsThere(t, s)
		})
	}
}

// nothingIsThere: an apply that failed somewhere has done nothing anywhere.
func nothingIsThere(t *testing.T, s *Server) {
	t.Helper()
	check(t, s.db.View(t.Context(), func(tx *store.Tx) error {
		instances, err := ssoadmin.ListInstances(tx)
		if len(instances) > 0 {
			t.Errorf("the instance was made all the same: %+v", instances)
		}
		return err
	}))
}

func TestApplyRefusesPasswordsTooShort(t *testing.T) {
	s := testServer(t, Config{})
	_, err := s.Apply(t.Context(), organization(t, `
instance: { name: small, account: "111122223333" }
users: [ { userName: alice, password: short } ]
`))
	if err == nil || !strings.Contains(err.Error(), `user "alice"`) || strings.Contains(err.Error(), "short\"") {
		t.Errorf("error %v", err)
	}
	nothingIsThere(t, s)
}

func TestApplyNeedsAnInstance(t *testing.T) {
	s := testServer(t, Config{})
	if _, err := s.Apply(t.Context(), organization(t, "users: [ { userName: alice } ]")); err == nil || !strings.Contains(err.Error(), "instance.account") {
		t.Errorf("error %v does not speak of instance.account", err)
	}
	mustApply(t, s, smallOrganization)
	// Once it is there, files may speak of parts only.
	if got := mustApply(t, s, "users: [ { userName: bob } ]"); !slices.Equal(got, []string{"created user bob"}) {
		t.Errorf("changes %q", got)
	}
}

func TestIdsOfAnInstanceAreForEver(t *testing.T) {
	s := testServer(t, Config{})
	mustApply(t, s, smallOrganization)
	for _, fixed := range []string{`account: "444455556666"`, "region: eu-west-1", `arn: "arn:aws:sso:::instance/ssoins-0123456789abcdef"`, "identityStoreId: d-0123456789"} {
		_, err := s.Apply(t.Context(), organization(t, "instance: { "+fixed+" }"))
		if name, _, _ := strings.Cut(fixed, ":"); err == nil || !strings.Contains(err.Error(), "instance."+name) {
			t.Errorf("%s: error %v", fixed, err)
		}
	}
	mustApply(t, s, `trustedTokenIssuers: [ { name: i, issuerUrl: "https://a.example.com" } ]`)
	if _, err := s.Apply(t.Context(), organization(t, `trustedTokenIssuers: [ { name: i, issuerUrl: "https://b.example.com" } ]`)); err == nil || !strings.Contains(err.Error(), "https://a.example.com") {
		t.Errorf("the URL of an issuer changed: %v", err)
	}
}

// TestGeneratedKeysAreMadeOnce: the secret is shown once and never again.
func TestGeneratedKeysAreMadeOnce(t *testing.T) {
	s := testServer(t, Config{})
	text := smallOrganization + "iam: { users: [ { name: u, accessKeys: [ {} ] } ] }"
	first, err := s.Apply(t.Context(), organization(t, text))
	check(t, err)
	second, err := s.Apply(t.Context(), organization(t, text))
	check(t, err)
	if len(first.AccessKeys) != 1 || len(second.AccessKeys) != 0 || len(second.Changes) != 0 {
		t.Errorf("first %v, second %v", first, second)
	}
}

func TestParseOrganizationRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"unknown key at the top":  {"instance: { name: x }\nuser: []\n", 2},
		"unknown key in a user":   {"users:\n  - userName: a\n    passwort: b\n", 3},
		"unknown key in a grant":  {"applications:\n  - name: a\n    grants:\n      refresh_token: true\n", 4},
		"unknown key of a scope":  {"applications:\n  - name: a\n    scopes:\n      - scope: x\n        target: [y]\n", 5},
		"unknown key in IAM":      {"iam:\n  user: []\n", 2},
		"unknown key of root key": {"iam:\n  rootAccessKeys:\n    - account: x\n      key: y\n", 4},
		"a key twice":             {"instance: { name: x }\nusers: []\nusers: []\n", 3},
		"text for a list":         {"users: alice\n", 1},
		"text for true":           {"applications:\n  - name: a\n    enabled: perhaps\n", 3},
	} {
		_, err := ParseOrganization("org.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), "org.yaml") || !strings.Contains(err.Error(), fmt.Sprintf("[%d:", c.line)) {
			t.Errorf("%s: error %v does not name the file and line %d", name, err, c.line)
		}
	}
}

func TestParseOrganizationReadsJSON(t *testing.T) {
	o, err := ParseOrganization("org.json", []byte(`{"instance":{"name":"x","account":"111122223333"},"users":[{"userName":"a"}]}`))
	if err != nil || o.Instance.Account != "111122223333" || len(o.Users) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestApplyIsRecorded: what an organization file changes is in the audit log, and no secret with it.
func TestApplyIsRecorded(t *testing.T) {
	s := testServer(t, Config{})
	mustApply(t, s, smallOrganization)
	log, err := os.ReadFile(filepath.Join(s.config.Data, "audit.jsonl"))
	check(t, err)
	if bytes.Count(log, []byte(`"eventName":"ApplyOrganization"`)) != 1 || !bytes.Contains(log, []byte("created instance")) {
		t.Errorf("the log says %s", log)
	}
	mustApply(t, s, smallOrganization)
	again, err := os.ReadFile(filepath.Join(s.config.Data, "audit.jsonl"))
	check(t, err)
	if len(again) != len(log) {
		t.Error("a file that changes nothing is recorded as a change")
	}
}

// TestApplyTellsNamesApartAsTheDirectoryDoes: names that differ in case only are one name.
func TestApplyTellsNamesApartAsTheDirectoryDoes(t *testing.T) {
	s := testServer(t, Config{})
	for _, section := range []string{"users: [ { userName: zq }, { userName: ZQ } ]", "groups: [ { name: gg }, { name: GG } ]"} {
		o, err := ParseOrganization("case", []byte(`instance: { account: "111122223333" }`+"\n"+section))
		check(t, err)
		if _, err := s.Apply(t.Context(), o); err == nil || !strings.Contains(err.Error(), "declared twice") {
			t.Errorf("%s: %v", section, err)
		}
	}
}

// TestNullOperator: YAML reads an unquoted Null as null, also as a key; a policy pasted from AWS's documentation has one.
func TestNullOperator(t *testing.T) {
	o, err := ParseOrganization("null", []byte(`
iam:
  policies:
    - name: p
      document:
        Version: "2012-10-17"
        Statement: [ { Effect: Allow, Action: "*", Resource: "*", Condition: { Null: { "aws:TokenIssueTime": "true" } } } ]
`))
	check(t, err)
	text, err := documentText(o.IAM.Policies[0].Document, "")
	if err != nil || !strings.Contains(text, `"Null":{"aws:TokenIssueTime":"true"}`) {
		t.Errorf("%s %v", text, err)
	}
}
