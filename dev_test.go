package symbolon

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

func TestPrepareDevelopment(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	if _, err := ReadDevelopment(folder); !errors.Is(err, fs.ErrNotExist) || IsDevelopment(folder) {
		t.Errorf("a folder that is not there: %v", err)
	}
	d, err := PrepareDevelopment(folder)
	check(t, err)
	if len(d.AccessKeyID) != 20 || len(d.SecretAccessKey) != 40 || len(d.Password) < 20 || !IsDevelopment(folder) {
		t.Errorf("the folder has %+v", d)
	}
	for name, want := range map[string]fs.FileMode{developmentFile: 0o600, ".gitignore": 0o600, "": 0o700 | fs.ModeDir} {
		info, err := os.Stat(filepath.Join(folder, name))
		check(t, err)
		if info.Mode() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode(), want)
		}
	}
	if got := readFile(t, filepath.Join(folder, ".gitignore")); got != "*\n" {
		t.Errorf(".gitignore is %q", got)
	}
	again, err := PrepareDevelopment(folder)
	check(t, err)
	if diff := cmp.Diff(d, again); diff != "" {
		t.Errorf("the second time it differs: %s", diff)
	}
	other, err := PrepareDevelopment(t.TempDir())
	check(t, err)
	if other.SecretAccessKey == d.SecretAccessKey || other.Password == d.Password {
		t.Error("two folders share secrets")
	}
}

func TestDevelopmentRefusesProduction(t *testing.T) {
	folder := t.TempDir()
	s, err := New(t.Context(), Config{Data: folder, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	check(t, s.Close())
	if _, err := PrepareDevelopment(folder); err == nil || !strings.Contains(err.Error(), "production") || IsDevelopment(folder) {
		t.Errorf("error %v", err)
	}
}

// seed runs a server on the folder as `symbolon dev` does and returns what it remembers.
func seed(t *testing.T, folder string, o *Organization, look func(s *Server, d Development)) Development {
	t.Helper()
	d, err := PrepareDevelopment(folder)
	check(t, err)
	s, err := New(t.Context(), Config{Data: folder, Development: true, Listen: "127.0.0.1:18080", Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	check(t, s.Seed(t.Context(), o, &d))
	check(t, d.Write(folder))
	if look != nil {
		look(s, d)
	}
	check(t, s.Close())
	return d
}

func TestSeedAndRestart(t *testing.T) {
	folder := t.TempDir()
	first := seed(t, folder, nil, func(s *Server, d Development) {
		if d.User != "alice" || d.Issuer != "http://127.0.0.1:18080" || d.Region != "us-east-1" || d.AccountID != "111122223333" || !d.OrganizationSeeded {
			t.Errorf("the folder has %+v", d)
		}
		check(t, s.db.View(t.Context(), func(tx *store.Tx) error {
			user, err := identitystore.GetUserByName(tx, d.IdentityStoreID, "alice")
			check(t, err)
			if ok, err := s.directory.PasswordMatches(tx, d.IdentityStoreID, user.ID, d.Password); err != nil || !ok {
				t.Errorf("the printed password does not match: %v, %v", ok, err)
			}
			key, err := iam.GetAccessKey(tx, d.AccessKeyID)
			if err != nil || key.UserName != administrator {
				t.Errorf("the printed key is %+v, %v", key, err)
			}
			return nil
		}))
		// What the owner of the folder changes is not changed back by the next start.
		mustApply(t, s, "users: [ { userName: alice, displayName: A. A., password: my own long password } ]\ngroups: [ { name: engineers, members: [bob] } ]")
	})
	second := seed(t, folder, nil, func(s *Server, d Development) {
		if got := mustApply(t, s, "users: [ { userName: alice, displayName: A. A., password: my own long password } ]\ngroups: [ { name: engineers, members: [bob] } ]"); len(got) > 0 {
			t.Errorf("the restart undid %q", got)
		}
	})
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the restart changed what the folder remembers: %s", diff)
	}
	own := seed(t, folder, organization(t, "users: [ { userName: dora } ]"), func(s *Server, d Development) {
		if got := mustApply(t, s, "users: [ { userName: dora } ]"); len(got) > 0 {
			t.Errorf("the seed had not been applied: %q", got)
		}
	})
	if own.InstanceARN != first.InstanceARN || own.AccessKeyID != first.AccessKeyID {
		t.Errorf("another seed changed the folder's identity: %+v", own)
	}
}

func TestSeedOfOnesOwn(t *testing.T) {
	d := seed(t, t.TempDir(), organization(t, `
instance: { name: mine, account: "777788889999" }
users: [ { userName: zoe } ]
`), func(s *Server, d Development) {
		got := mustApply(t, s, string(BuiltinOrganization()[:0])+"users: [ { userName: alice } ]")
		if !slices.Equal(got, []string{"created user alice"}) {
			t.Errorf("the built-in organization was there as well: %q", got)
		}
	})
	if d.AccountID != "777788889999" || d.User != "" {
		t.Errorf("the folder has %+v", d)
	}
}

// TestSeedGoesOnWhereItStopped: a start killed before its seed, or between seed and note, is made good by the next.
func TestSeedGoesOnWhereItStopped(t *testing.T) {
	folder := t.TempDir()
	d, err := PrepareDevelopment(folder)
	check(t, err)
	s, err := New(t.Context(), Config{Data: folder, Development: true, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	check(t, s.Close())
	first := seed(t, folder, nil, nil)
	check(t, d.Write(folder)) // as if the note had never been written
	second := seed(t, folder, nil, nil)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}
