package symbolon

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// call sends a signed operation of the JSON 1.1 services.
func (d *door) call(t testing.TB, service, target string, in any) (map[string]any, reply) {
	t.Helper()
	body, err := json.Marshal(in)
	fatal(t, err)
	a := d.send(t, d.signed(d.request(t, "POST", "/", string(body), "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", target), service))
	out := map[string]any{}
	if a.text != "" {
		fatal(t, json.Unmarshal([]byte(a.text), &out))
	}
	return out, a
}

// TestNextRequestGoesElsewhere: a client that changes something through one node finds it changed on whatever node answers next, with no
// pause in between: what it made is there, what it changed reads so, a key it was given signs, a grant it configured is granted.
func TestNextRequestGoesElsewhere(t *testing.T) { onEveryStore(t, nextRequestGoesElsewhere) }

func nextRequestGoesElsewhere(t *testing.T, open opener) {
	nodes := open(t, 3, nil)
	const admin = "SWBExternalService."
	turn := 0
	next := func() *door { turn++; return nodes[turn%len(nodes)] }
	must := func(out map[string]any, a reply) map[string]any {
		t.Helper()
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
		return out
	}
	for i := range 10 {
		name := fmt.Sprintf("round-%d", i)
		arn := must(next().call(t, "sso", admin+"CreateApplication", map[string]any{
			"InstanceArn": nodes[0].InstanceARN, "ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom", "Name": name,
		}))["ApplicationArn"]
		must(next().call(t, "sso", admin+"PutApplicationAssignmentConfiguration", map[string]any{"ApplicationArn": arn, "AssignmentRequired": false}))
		must(next().call(t, "sso", admin+"UpdateApplication", map[string]any{"ApplicationArn": arn, "Description": name}))
		out := must(next().call(t, "sso", admin+"DescribeApplication", map[string]any{"ApplicationArn": arn}))
		if out["Description"] != name {
			t.Errorf("DescribeApplication after UpdateApplication on another node: %v", out)
		}
		listed := must(next().call(t, "sso", admin+"ListApplications", map[string]any{"InstanceArn": nodes[0].InstanceARN}))
		if text, _ := json.Marshal(listed); !json.Valid(text) || !containsARN(listed, arn) {
			t.Errorf("ListApplications does not have what CreateApplication made on another node")
		}
		user := must(next().call(t, "identitystore", "AWSIdentityStore.CreateUser", map[string]any{
			"IdentityStoreId": nodes[0].IdentityStoreID, "UserName": name, "DisplayName": name, "Name": map[string]any{"GivenName": "G", "FamilyName": "F"},
		}))["UserId"]
		must(next().call(t, "identitystore", "AWSIdentityStore.DescribeUser", map[string]any{"IdentityStoreId": nodes[0].IdentityStoreID, "UserId": user}))
	}
	for i := range 5 {
		n := subjects(t, next(), []string{fmt.Sprintf("fresh-%d", i)})[fmt.Sprintf("fresh-%d", i)]
		if !n.signs(t, next()) {
			t.Error("a key made on one node does not sign on the next")
		}
		out := must(n.grant(t, next()))
		for range len(nodes) {
			out = must(next().create(t, map[string]string{"clientId": n.app, "grantType": "refresh_token", "refreshToken": out["refreshToken"].(string)}))
		}
		n.accessToken = out["accessToken"].(string)
		if !n.active(t, next()) {
			t.Error("a token issued on one node is not active on another")
		}
	}
}

// TestActiveElsewhere: no node calls a token inactive for what it has not heard of yet.
func TestActiveElsewhere(t *testing.T) { onEveryStore(t, activeElsewhere) }

func activeElsewhere(t *testing.T, open opener) {
	nodes := open(t, 3, nil)
	n := subjects(t, nodes[0], []string{"switched"})["switched"]
	issued, a := n.grant(t, nodes[0])
	if a.status != http.StatusOK {
		t.Fatal(a)
	}
	n.accessToken = issued["accessToken"].(string)
	everybodyHears := func() {
		for _, d := range nodes {
			fatal(t, d.db.Sync(t.Context()))
		}
	}
	for _, d := range nodes {
		enable := func(enabled bool) {
			fatal(t, d.db.Update(t.Context(), func(tx *store.Tx) error {
				user, err := identitystore.GetUser(tx, d.IdentityStoreID, n.user)
				fatal(t, err)
				user.Enabled = enabled
				_, err = identitystore.PutUser(tx, user)
				return err
			}))
		}
		enable(false)
		everybodyHears()
		for i, other := range nodes {
			if n.active(t, other) {
				t.Errorf("node %d: active although the user is disabled", i)
			}
		}
		enable(true)
		for i, other := range nodes {
			if !n.active(t, other) {
				t.Errorf("node %d: not active although the user has been enabled", i)
			}
		}
	}
}

func containsARN(listed map[string]any, arn any) bool {
	applications, _ := listed["Applications"].([]any)
	for _, a := range applications {
		if m, ok := a.(map[string]any); ok && m["ApplicationArn"] == arn {
			return true
		}
	}
	return false
}

// TestUsedOnceOnAllNodes: of many uses of one assertion on all nodes at once one is granted, and of many of one refresh token no two
// succeed with different successors.
func TestUsedOnceOnAllNodes(t *testing.T) { onEveryStore(t, usedOnce) }

func usedOnce(t *testing.T, open opener) {
	nodes := open(t, 3, nil)
	n := subjects(t, nodes[0], []string{"once"})["once"]
	for range 5 {
		assertion := n.idp.assertionFor(t, n.email(), rand.Text())
		var granted atomic.Int64
		var refresh atomic.Value
		together(12, func(i int) {
			out, a := nodes[i%len(nodes)].create(t, map[string]string{"clientId": n.app, "grantType": jwtBearer, "assertion": assertion})
			if a.status == http.StatusOK {
				granted.Add(1)
				refresh.Store(out["refreshToken"])
			}
		})
		if granted.Load() != 1 {
			t.Errorf("one assertion was granted %d times", granted.Load())
		}
		var successors sync.Map
		together(12, func(i int) {
			out, a := nodes[i%len(nodes)].create(t, map[string]string{"clientId": n.app, "grantType": "refresh_token", "refreshToken": refresh.Load().(string)})
			if a.status != http.StatusOK {
				t.Errorf("a refresh inside the grace window: %d %s", a.status, a.text)
				return
			}
			successors.Store(out["refreshToken"], true)
		})
		count := 0
		successors.Range(func(any, any) bool { count++; return true })
		if count != 1 {
			t.Errorf("one refresh token has %d successors", count)
		}
	}
}

func together(n int, fn func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { fn(i) })
	}
	group.Wait()
}

// TestRotationOnAllNodes: keys that come of age while three nodes issue are replaced once, not once by each node, and all nodes go on
// taking what the others issue, before, during and after.
func TestRotationOnAllNodes(t *testing.T) { onEveryStore(t, rotationOnAllNodes) }

func rotationOnAllNodes(t *testing.T, open opener) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	nodes := open(t, 3, func(_ int, c *Config) { c.Now = now })
	n := subjects(t, nodes[0], []string{"rotation"})["rotation"]
	count := func() map[token.Purpose]int {
		keys, err := nodes[0].keys.Inventory(t.Context())
		fatal(t, err)
		byPurpose := map[token.Purpose]int{}
		for _, k := range keys {
			byPurpose[k.Purpose]++
		}
		return byPurpose
	}
	before := count()
	if before[token.SigningES256] != 1 {
		t.Fatalf("the first keys are %v", before)
	}
	var wanted sync.WaitGroup
	var moving sync.RWMutex // the clock: a token issued before it moves would be too old after
	end := make(chan struct{})
	for i := range nodes {
		wanted.Go(func() {
			round := func() bool {
				moving.RLock()
				defer moving.RUnlock()
				mine := &subject{name: n.name, idp: n.idp, app: n.app}
				out, a := mine.grant(t, nodes[i])
				if a.status != http.StatusOK {
					t.Errorf("during rotation: %d %s", a.status, a.text)
					return false
				}
				mine.accessToken = out["accessToken"].(string)
				if !mine.active(t, nodes[(i+1)%len(nodes)]) {
					t.Error("another node does not take what was just issued")
				}
				select {
				case <-end:
					return false
				default:
					return true
				}
			}
			for round() {
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	moving.Lock()
	ahead.Store(int64(91 * 24 * time.Hour))
	n.idp.ahead.Store(int64(91 * 24 * time.Hour))
	moving.Unlock()
	deadline := time.Now().Add(20 * time.Second)
	for count()[token.AccessMAC] == before[token.AccessMAC] && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Second)
	close(end)
	wanted.Wait()
	after := count()
	for _, p := range []token.Purpose{token.SigningES256, token.AccessMAC, token.RefreshMAC, token.PagingMAC, token.BrowserMAC} {
		if after[p] != before[p]+1 {
			t.Errorf("%s: %d keys before, %d after all nodes found them too old", p, before[p], after[p])
		}
	}
}
