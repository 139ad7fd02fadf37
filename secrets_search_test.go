package symbolon

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// secrets are those that a run has issued or been told, each with what it is, and finds them again in whatever it left behind.
type secrets struct {
	t     *testing.T
	known map[string][]byte // what it is called → what it is
}

func newSecrets(t *testing.T) *secrets { return &secrets{t, map[string][]byte{}} }

// shortestSecret is what nobody comes upon by chance.
const shortestSecret = 12

// add notes a secret. It fails the test if there is none: a run that issues nothing proves nothing.
func (s *secrets) add(name, secret string) string {
	s.t.Helper()
	if len(secret) < shortestSecret {
		s.t.Fatalf("the run has no %s", name)
	}
	for n := 1; ; n++ {
		numbered := name
		if n > 1 {
			numbered += strings.Repeat("'", n-1)
		}
		if before, taken := s.known[numbered]; !taken || string(before) == secret {
			s.known[numbered] = []byte(secret)
			return secret
		}
	}
}

// parts are the secret and what of it is as good as the whole: the bytes a token spells, its MAC or signature.
func parts(secret []byte) [][]byte {
	list := [][]byte{secret}
	text := string(secret)
	for _, prefix := range []string{"aoa", "aor", ""} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
				if raw, err := e.DecodeString(rest); err == nil && len(raw) >= shortestSecret {
					list = append(list, raw)
				}
			}
		}
	}
	if i := strings.LastIndexByte(text, '.'); i >= 0 && len(text)-i > 40 {
		list = append(list, []byte(text[i+1:])) // a JWT's signature, a ticket's MAC
	}
	for _, l := range list[:len(list):len(list)] {
		if len(l) > 80 {
			list = append(list, l[len(l)-40:], l[len(l)/2:len(l)/2+40])
		}
	}
	return list
}

// spellings are the forms in which a secret may stand in a file.
func spellings(secret []byte) [][]byte {
	quoted, err := json.Marshal(string(secret))
	if err != nil {
		panic(err)
	}
	forms := [][]byte{
		secret, quoted[1 : len(quoted)-1], []byte(url.QueryEscape(string(secret))), []byte(url.PathEscape(string(secret))),
		[]byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
	}
	// Inside a longer text base64 has three spellings, by where the secret begins; the ends hang on what stands beside it.
	for offset := range 3 {
		shifted := append(make([]byte, offset), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString(shifted)
			forms = append(forms, []byte(text[(offset*8+5)/6:len(shifted)*8/6]))
		}
	}
	slices.SortFunc(forms, bytes.Compare)
	return slices.CompactFunc(forms, bytes.Equal)
}

// in looks for all secrets in what was left in a place, and names those it finds.
func (s *secrets) in(place string, left []byte) (found []string) {
	for name, secret := range s.known {
		for _, part := range parts(secret) {
			if slices.ContainsFunc(spellings(part), func(form []byte) bool { return bytes.Contains(left, form) }) {
				found = append(found, name+" in "+place)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// inFolder looks through all files of a folder but those that are there to hold secrets.
func (s *secrets) inFolder(folder string) (found []string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains([]string{developmentFile, controlName, "master.key"}, d.Name()) {
			return err
		}
		files++
		left, err := os.ReadFile(path)
		found = append(found, s.in(d.Name(), left)...)
		return err
	})
	if err != nil || files < 2 {
		s.t.Errorf("%d files in %s, %v", files, folder, err)
	}
	return found
}

// TestSecretsAreFound tests the search itself: whatever is planted, in whatever form, it finds; what is not there it does not.
func TestSecretsAreFound(t *testing.T) {
	s := newSecrets(t)
	const planted = "aorAX9xQy_-aaabbbcccdddeeefff000111222333444555666777888999AbCdEfGhIjKlMnOpQrStUvWxYz-_0123456789"
	s.add("token", planted)
	s.add("key", "/+secret access key with / and + and \"quotes\"")
	raw, err := base64.RawURLEncoding.DecodeString(planted[3:])
	fatal(t, err)
	quoted, err := json.Marshal("/+secret access key with / and + and \"quotes\"")
	fatal(t, err)
	plants := map[string]string{
		"as it is": planted, "hex": hex.EncodeToString([]byte(planted)), "HEX": strings.ToUpper(hex.EncodeToString(raw)), "its bytes": string(raw),
		"its end": planted[len(planted)-40:], "in a URL": "?x=" + url.QueryEscape("/+secret access key with / and + and \"quotes\"") + "&y", "in JSON": string(quoted),
		"base64": base64.StdEncoding.EncodeToString([]byte(planted)), "its bytes in base64": base64.StdEncoding.EncodeToString(raw),
	}
	for _, before := range []string{"", "a", "ab", "abc"} {
		plants["base64 behind "+before] = base64.URLEncoding.EncodeToString([]byte(before + planted + "tail"))
	}
	for form, text := range plants {
		if found := s.in("x", []byte("before "+text+" after")); len(found) != 1 {
			t.Errorf("planted %s: found %q", form, found)
		}
	}
	for _, text := range []string{"", "nothing here", planted[:30], strings.ToLower(planted)} {
		if found := s.in("x", []byte(text)); len(found) != 0 {
			t.Errorf("in %q: found %q", text, found)
		}
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"a": "", "b.db": "x" + string(raw), developmentFile: planted} {
		fatal(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	if found := s.inFolder(folder); len(found) != 1 || found[0] != "token in b.db" {
		t.Errorf("in the folder: %q", found)
	}
}
