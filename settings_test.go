package symbolon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEverySettingReads(t *testing.T) {
	values := map[string]string{
		"refresh-grace": "0s", "regions": "us-east-1, eu-west-1", "allowed-issuer-origins": "http://10.0.0.5:8080",
		"identity-context-actions": "s3:GetDataAccess", "behind-proxy": "true", "admin-allow-network": "true", "log-requests": "true",
	}
	for _, name := range Settings() {
		var c Config
		value := values[name]
		if strings.HasPrefix(name, "limit-") {
			value = "20"
		}
		if value == "" {
			value = "8h"
		}
		if err := c.Set(name, value); err != nil {
			t.Errorf("%s=%s: %v", name, value, err)
		}
		if cmp.Equal(c, Config{}, cmp.Comparer(func(x, y func() time.Time) bool { return true })) {
			t.Errorf("%s=%s sets nothing", name, value)
		}
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	path := writeFile(t, "symbolon.yaml", `
listen: 127.0.0.1:1
region: eu-west-1
code-ttl: 10s
refresh-grace: 0s
behind-proxy: false
regions: [eu-west-1, us-east-1]
allowed-issuer-origins: "http://10.0.0.5:8080, https://idp.internal"
`)
	environment := []string{"HOME=/root", "SYMBOLON_CONFIG_REGION=eu-central-1", "SYMBOLON_CONFIG_CODE_TTL=20s", "SYMBOLON_OTHER=x"}
	c, err := LoadConfig(path, environment, map[string]string{"code-ttl": "30s", "limits": "off"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" || c.Region != "eu-central-1" || c.CodeTTL != 30*time.Second || c.Limits != "off" || c.BehindProxy {
		t.Errorf("listen %q, region %q, code-ttl %v, limits %q", c.Listen, c.Region, c.CodeTTL, c.Limits)
	}
	if c.RefreshGrace == nil || *c.RefreshGrace != 0 {
		t.Errorf("refresh-grace 0s became %v", c.RefreshGrace)
	}
	if diff := cmp.Diff([]string{"eu-west-1", "us-east-1"}, c.Regions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"http://10.0.0.5:8080", "https://idp.internal"}, c.AllowedIssuerOrigins); diff != "" {
		t.Error(diff)
	}
}

// TestListItemsKeepTheirCommas: only a flag and the environment have nothing but commas to tell items apart.
func TestListItemsKeepTheirCommas(t *testing.T) {
	c, err := LoadConfig(writeFile(t, "symbolon.yaml", `master-key-command: [sh, -c, "printf '%s,%s' a b ", ""]`+"\n"), nil, nil)
	if diff := cmp.Diff([]string{"sh", "-c", "printf '%s,%s' a b ", ""}, c.MasterKeyCommand); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if c, err := LoadConfig(writeFile(t, "symbolon.yaml", "regions: []\n"), nil, nil); err != nil || len(c.Regions) != 0 {
		t.Error(err, c.Regions)
	}
}

// TestOneDocument: marks around the one document, and comments before it, make no second one.
func TestOneDocument(t *testing.T) {
	for _, text := range []string{"---\nregion: eu-west-1\n", "# ours\n---\nregion: eu-west-1\n", "region: eu-west-1\n...\n", "region: eu-west-1\n---\n# nothing\n"} {
		if c, err := LoadConfig(writeFile(t, "symbolon.yaml", text), nil, nil); err != nil || c.Region != "eu-west-1" {
			t.Errorf("%q: region %q, %v", text, c.Region, err)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		if _, err := LoadConfig(writeFile(t, "symbolon.yaml", text), nil, nil); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseOrganization("org.yaml", []byte("users: []\n---\nusers: []\n")); err == nil || !strings.Contains(err.Error(), "second document") {
		t.Errorf("of an organization's second document: %v", err)
	}
}

// TestEmptyUnsets: an empty value brings the default back.
func TestEmptyUnsets(t *testing.T) {
	path := writeFile(t, "symbolon.yaml", "refresh-grace: 5s\nregions: [eu-west-1]\nlimits:\n")
	c, err := LoadConfig(path, []string{"SYMBOLON_CONFIG_REFRESH_GRACE="}, map[string]string{"regions": ""})
	if err != nil || c.RefreshGrace != nil || c.Regions != nil || c.Limits != "" {
		t.Errorf("%v, %v, %v, %q", err, c.RefreshGrace, c.Regions, c.Limits)
	}
}

// TestListItems: blanks around the items of a list, and empty ones, mean nothing; a program's arguments are as they are written.
func TestListItems(t *testing.T) {
	c, err := LoadConfig(writeFile(t, "symbolon.yaml", "regions: [\"eu-west-1 \", \"\"]\nallowed-issuer-origins: [\"\"]\nmaster-key-command: [a, \"\", \" b, c\"]\n"), nil, nil)
	if err != nil || !slices.Equal(c.Regions, []string{"eu-west-1"}) || c.AllowedIssuerOrigins != nil || !slices.Equal(c.MasterKeyCommand, []string{"a", "", " b, c"}) {
		t.Errorf("%q, %q, %q, %v", c.Regions, c.AllowedIssuerOrigins, c.MasterKeyCommand, err)
	}
}

func TestSettingsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		file, environment, flag, value string
		says                           []string
	}{
		"unknown key in the file":     {file: "refresh_grace: 30s\n", says: []string{"symbolon.yaml", `"refresh_grace"`}},
		"a field that is no setting":  {file: "development: true\n", says: []string{`"development"`}},
		"the tag of no setting":       {file: "\"-\": true\n", says: []string{`"-"`}},
		"a key twice":                 {file: "region: a-b-1\nregion: a-b-2\n", says: []string{"symbolon.yaml", "2"}},
		"broken YAML":                 {file: "region: [\n", says: []string{"symbolon.yaml"}},
		"a map for a value":           {file: "region: {a: b}\n", says: []string{"symbolon.yaml", "plain value"}},
		"a map in a list":             {file: "regions: [{a: b}]\n", says: []string{"plain words"}},
		"a number for a duration":     {file: "code-ttl: 30\n", says: []string{"code-ttl", "duration"}},
		"a word for a duration":       {file: "code-ttl: soon\n", says: []string{"code-ttl", `"soon"`}},
		"no time at all":              {file: "access-token-ttl: 0s\n", says: []string{"access-token-ttl", `"0s"`, "above zero"}},
		"no time, in a flag":          {flag: "key-rotation", value: "0", says: []string{"key-rotation", "above zero"}},
		"no time, in the environment": {environment: "SYMBOLON_CONFIG_DRAIN_TIMEOUT=0h0m", says: []string{"drain-timeout", "above zero"}},
		"a second document":           {file: "limits: on\n---\nlimits: bogus\n", says: []string{"symbolon.yaml", "second document"}},
		"a broken second document":    {file: "limits: on\n---\nlimits: [\n", says: []string{"symbolon.yaml"}},
		"a list for a value":          {file: "region: [us-east-1]\n", says: []string{"region", "not a list"}},
		"a number in a list":          {file: "master-key-command: [sleep, 3]\n", says: []string{"master-key-command", "plain words"}},
		"a word for true":             {file: "behind-proxy: maybe\n", says: []string{"behind-proxy", "true nor false"}},
		"a word for a number":         {file: "limit-caller: many\n", says: []string{"limit-caller", `"many"`}},
		"no requests at all":          {file: "limit-caller: 0\n", says: []string{"limit-caller", "from 1 on"}},
		"half a request":              {flag: "limit-caller", value: "0.5", says: []string{"limit-caller"}},
		"unknown environment":         {environment: "SYMBOLON_CONFIG_REFRSH_GRACE=1s", says: []string{"refrsh-grace"}},
		"bad duration in environment": {environment: "SYMBOLON_CONFIG_CODE_TTL=1", says: []string{"code-ttl", `"1"`}},
		"bad duration in a flag":      {flag: "refresh-grace", value: "1 minute", says: []string{"refresh-grace"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = writeFile(t, "symbolon.yaml", c.file)
			}
			flags := map[string]string{}
			if c.flag != "" {
				flags[c.flag] = c.value
			}
			_, err := LoadConfig(path, []string{c.environment}, flags)
			for _, says := range c.says {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("error %v does not speak of %s", err, says)
				}
			}
		})
	}
}

// TestFaultsOfFilesTellNoValues: a settings file holds the database's password, and an organization file may hold those of users and access
// keys. What is wrong with such a file goes to logs, to terminals and, by doctor, to whoever is asked for help: it says where, never what.
func TestFaultsOfFilesTellNoValues(t *testing.T) {
	const secret = "s3cr3tpassw0rd"
	const url = "database-url: postgres://symbolon:" + secret + "@db1/symbolon\n"
	for name, text := range map[string]string{
		"broken below":     url + "limits: [on\n",
		"a key twice":      url + "limits: on\nlimits: off\n",
		"a tab":            url + "\tlimits: on\n",
		"a step too far":   "database-url: postgres://symbolon:" + secret + "@db1/symbolon\n  limits: on\n",
		"an open quote":    "database-url: \"postgres://symbolon:" + secret + "@db1/symbolon\nlimits: on\n",
		"a list of it":     "- " + url,
		"no such anchor":   url + "limits: *none\n",
		"a map for it":     "database-url: { url: postgres://symbolon:" + secret + "@db1/symbolon }\n",
		"a list for it":    "database-url: [1, postgres://symbolon:" + secret + "@db1/symbolon]\n",
		"no such setting":  url + "limit: on\n",
		"nothing but that": secret + "\n",
	} {
		_, err := LoadConfig(writeFile(t, "symbolon.yaml", text), nil, nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("settings, %s: %v", name, err)
		}
	}
	const users = "users:\n  - userName: alice\n    password: " + secret + "\n"
	for name, text := range map[string]string{
		"broken below":   users + "groups: [\n",
		"unknown key":    users + "    emial: a@example.com\n",
		"a key twice":    users + "users: []\n",
		"text for a map": users + "instance: none\n",
		"map for a text": "users:\n  - userName: alice\n    password: { is: " + secret + " }\n",
		"unknown member": "iam:\n  users:\n    - accessKeys: [{ id: AKIAEXAMPLEEXAMPLE, secret: " + secret + ", state: Active }]\n",
	} {
		_, err := ParseOrganization("org.yaml", []byte(text))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("organization, %s: %v", name, err)
		}
	}
}

func TestMissingConfigFileIsAnError(t *testing.T) {
	if _, err := LoadConfig(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); err == nil {
		t.Error("a file that was named and is not there must not be passed over")
	}
}
