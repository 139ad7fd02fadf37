package symbolon

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// opener starts servers on one database, as processes of their own would be, with the built-in organization and one administrator. edit may
// change the settings of each.
type opener func(t testing.TB, n int, edit func(i int, c *Config)) []*door

// onEveryStore runs a test of several nodes on each store that they can share: in memory, where a store that only tests share stands for
// one, and on PostgreSQL.
func onEveryStore(t *testing.T, test func(t *testing.T, open opener)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, func(t testing.TB, n int, edit func(i int, c *Config)) []*door {
			backend, err := sqlite.Memory()
			fatal(t, err)
			t.Cleanup(func() { _ = backend.Close() })
			return openNodesOn(t, n, func(int) store.Backend { return kept{backend} }, edit)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		at := postgrestest.Database(t)
		test(t, func(t testing.TB, n int, edit func(i int, c *Config)) []*door {
			return openNodesOn(t, n, func(int) store.Backend { return openPostgres(t, at) }, edit)
		})
	})
}

func openPostgres(t testing.TB, at string) store.Backend {
	t.Helper()
	backend, err := postgres.Open(t.Context(), at)
	fatal(t, err)
	return backend
}

func openNodesOn(t testing.TB, n int, open func(i int) store.Backend, edit func(i int, c *Config)) []*door {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master.key")
	fatal(t, writeDurably(key, []byte(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))))
	nodes := make([]*door, n)
	for i := range nodes {
		d := &door{folder: t.TempDir()}
		nodes[i] = d
		listener := httptest.NewUnstartedServer(nil)
		c := Config{
			Listen: listener.Listener.Addr().String(), Data: d.folder, Development: true, Issuer: "http://127.0.0.1:9000", MasterKeyFile: key,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		if edit != nil {
			edit(i, &c)
		}
		var err error
		d.Server, err = newServer(t.Context(), c, open(i))
		fatal(t, err)
		t.Cleanup(func() { _ = d.Server.Close() })
		fatal(t, d.Server.Join(t.Context()))
		if i == 0 {
			d.Development, err = PrepareDevelopment(d.folder)
			fatal(t, err)
			fatal(t, d.Seed(t.Context(), nil, &d.Development))
		} else {
			d.Development = nodes[0].Development
		}
		listener.Config.Handler = d.Handler()
		listener.Start()
		t.Cleanup(listener.Close)
		d.url = listener.URL
	}
	return nodes
}

// subject is one thing to be switched off, with an application, a user, a group, an issuer and an IAM user of its own.
type subject struct {
	name                       string
	idp                        *idp
	app, user, group, issuer   string // ARNs and ids
	keyID, secret, accessToken string
}

func (n *subject) email() string { return n.name + "@example.com" }

// subjects declares one subject for each name.
func subjects(t testing.TB, a *door, names []string) map[string]*subject {
	t.Helper()
	var text strings.Builder
	all := map[string]*subject{}
	for _, part := range []string{"users", "groups", "trustedTokenIssuers", "applications", "iam"} {
		text.WriteString(part + ":\n")
		if part == "iam" {
			text.WriteString("  users:\n")
		}
		for _, name := range names {
			if all[name] == nil {
				n := &subject{name: name, idp: newIDP(t)}
				n.keyID, n.secret = iam.NewAccessKey()
				all[name] = n
			}
			n := all[name]
			switch part {
			case "users":
				fmt.Fprintf(&text, "  - { userName: %s, displayName: %s, givenName: G, familyName: F, email: %s, password: correct-horse-battery-9 }\n", name, name, n.email())
			case "groups":
				fmt.Fprintf(&text, "  - { name: %s, members: [%s] }\n", name, name)
			case "trustedTokenIssuers":
				fmt.Fprintf(&text, "  - { name: %s, issuerUrl: %q }\n", name, n.idp.URL)
			case "applications":
				fmt.Fprintf(&text, "  - name: %s\n    actors: [\"111122223333\"]\n    grants: { refreshToken: true, jwtBearer: [ { issuer: %s, audiences: [symbolon] } ], "+
					"authorizationCode: { redirectUris: [\"http://127.0.0.1/callback\"] } }\n", name, name)
				assigned := "users: [" + name + "]"
				if strings.HasPrefix(name, "group") {
					assigned = "groups: [" + name + "]"
				}
				fmt.Fprintf(&text, "    assignments: { %s }\n", assigned)
			case "iam":
				fmt.Fprintf(&text, "    - { name: %s, accessKeys: [ { id: %s, secret: %q } ] }\n", name, n.keyID, n.secret)
			}
		}
	}
	o, err := ParseOrganization("test", []byte(text.String()))
	fatal(t, err)
	_, err = a.Apply(t.Context(), o)
	fatal(t, err)
	fatal(t, a.db.View(t.Context(), func(tx *store.Tx) error {
		for name, n := range all {
			app, err := ssoadmin.ApplicationByName(tx, a.InstanceARN, name)
			fatal(t, err)
			user, err := identitystore.GetUserByName(tx, a.IdentityStoreID, name)
			fatal(t, err)
			group, err := identitystore.GetGroupByName(tx, a.IdentityStoreID, name)
			fatal(t, err)
			issuer, err := ssoadmin.TrustedTokenIssuerByName(tx, a.InstanceARN, name)
			fatal(t, err)
			n.app, n.user, n.group, n.issuer = app.ARN, user.ID, group.ID, issuer.ARN
		}
		return nil
	}))
	return all
}

// grant is a jwt-bearer request through a node.
func (n *subject) grant(t testing.TB, d *door) (map[string]any, reply) {
	return d.create(t, map[string]string{"clientId": n.app, "grantType": jwtBearer, "assertion": n.idp.assertionFor(t, n.email(), rand.Text())})
}

func (n *subject) granted(t testing.TB, d *door) bool {
	_, a := n.grant(t, d)
	return a.status == http.StatusOK
}

// signs says whether the subject's access key signs.
func (n *subject) signs(t testing.TB, d *door) bool {
	own := *d
	own.AccessKeyID, own.SecretAccessKey = n.keyID, n.secret
	r := own.request(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded")
	return own.send(t, own.signed(r, "sts")).status == http.StatusOK
}

// active says whether the subject's access token is.
func (n *subject) active(t testing.TB, d *door) bool {
	a := d.form(t, "/oauth2/introspect", "token="+n.accessToken+"&client_id="+n.app)
	return a.status == http.StatusOK && strings.Contains(a.text, `"active":true`)
}

func (d *door) form(t testing.TB, path, body string) reply {
	t.Helper()
	return d.send(t, d.signed(d.request(t, "POST", path, body, "Content-Type", "application/x-www-form-urlencoded"), "sso-oauth"))
}

// switches are the ways to switch something off, and what must then not succeed.
var switches = map[string]struct {
	off func(t testing.TB, a *door, tx *store.Tx, n *subject) error
	try func(n *subject, t testing.TB, d *door) bool
}{
	"user-disabled": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		user, err := identitystore.GetUser(tx, a.IdentityStoreID, n.user)
		fatal(t, err)
		user.Enabled = false
		_, err = identitystore.PutUser(tx, user)
		return err
	}, (*subject).granted},
	"user-disabled-token": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		user, err := identitystore.GetUser(tx, a.IdentityStoreID, n.user)
		fatal(t, err)
		user.Enabled = false
		_, err = identitystore.PutUser(tx, user)
		return err
	}, (*subject).active},
	"user-deleted": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		return a.directory.DeleteUser(tx, a.IdentityStoreID, n.user)
	}, (*subject).granted},
	"application-disabled": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		app, err := ssoadmin.GetApplication(tx, n.app)
		fatal(t, err)
		app.Enabled = false
		_, err = a.admin.PutApplication(tx, app)
		return err
	}, (*subject).granted},
	"key-deactivated": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		key, err := iam.GetAccessKey(tx, n.keyID)
		fatal(t, err)
		key.Status = iam.Inactive
		return a.iam.PutAccessKey(tx, key, n.secret)
	}, (*subject).signs},
	"key-deleted": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		return iam.DeleteAccessKey(tx, n.keyID)
	}, (*subject).signs},
	"policy-changed": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		return a.admin.PutActorPolicy(tx, n.app, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"sso-oauth:*","Resource":"*"}]}`)
	}, (*subject).granted},
	"issuer-removed": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		fatal(t, a.admin.DeleteGrant(tx, n.app, jwtBearer))
		return a.admin.DeleteTrustedTokenIssuer(tx, n.issuer)
	}, (*subject).granted},
	"assignment-removed": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		_, err := a.admin.Unassign(tx, n.app, "USER", n.user)
		return err
	}, (*subject).granted},
	"group-left": {func(t testing.TB, a *door, tx *store.Tx, n *subject) error {
		_, err := identitystore.RemoveMember(tx, a.IdentityStoreID, n.group, n.user)
		return err
	}, (*subject).granted},
	"session-revoked": {nil, (*subject).active}, // through the API
}

// inForce is the promise: what starts later than this after the acknowledgement of a change, on whatever node, knows of it.
const inForce = time.Second

// TestChangesAreInForceEverywhere: what is switched off on one node is off there with the next request, and on every node a second after
// it was acknowledged (R4, C14, D02, D06).
func TestChangesAreInForceEverywhere(t *testing.T) { onEveryStore(t, changesAreInForce) }

func changesAreInForce(t *testing.T, open opener) {
	nodes := open(t, 3, nil)
	var names []string
	for name := range switches {
		names = append(names, name)
	}
	all := subjects(t, nodes[0], names)
	for name, sw := range switches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := all[name]
			out, first := n.grant(t, nodes[0])
			if first.status != http.StatusOK {
				t.Fatalf("%d %s", first.status, first.text)
			}
			n.accessToken = out["accessToken"].(string)
			var watchers sync.WaitGroup
			var mu sync.Mutex
			var late []time.Time
			var acknowledged time.Time
			end := make(chan struct{})
			for _, d := range nodes[1:] {
				if !sw.try(n, t, d) {
					t.Fatal("it does not work before the change")
				}
				watchers.Go(func() {
					for {
						start := time.Now()
						ok := sw.try(n, t, d)
						mu.Lock()
						if ok && !acknowledged.IsZero() && start.Sub(acknowledged) > inForce {
							late = append(late, start)
						}
						mu.Unlock()
						select {
						case <-end:
							return
						case <-time.After(20 * time.Millisecond):
						}
					}
				})
			}
			if sw.off != nil {
				fatal(t, nodes[0].db.Update(t.Context(), func(tx *store.Tx) error { return sw.off(t, nodes[0], tx, n) }))
			} else if a := nodes[0].form(t, "/oauth2/revoke", "token="+n.accessToken+"&client_id="+n.app); a.status != http.StatusOK {
				t.Errorf("revoke: %d %s", a.status, a.text)
			}
			mu.Lock()
			acknowledged = time.Now()
			mu.Unlock()
			if sw.try(n, t, nodes[0]) {
				t.Error("on its own node the next request still succeeds")
			}
			time.Sleep(inForce + 500*time.Millisecond)
			close(end)
			watchers.Wait()
			for _, at := range late {
				t.Errorf("a request that started %v after the acknowledgement succeeded", at.Sub(acknowledged))
			}
		})
	}
}
