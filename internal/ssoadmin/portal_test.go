package ssoadmin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

func TestPortalOptions(t *testing.T) {
	h := open(t)
	shown := func() any {
		return h.a.ok(t, "DescribeApplication", params{"ApplicationArn": h.a.application})["PortalOptions"]
	}
	update := func(url string) params {
		return params{"ApplicationArn": h.a.application, "PortalOptions": params{"SignInOptions": params{"Origin": "APPLICATION", "ApplicationUrl": url}}}
	}
	h.a.ok(t, "UpdateApplication", update("https://app.example/start"))
	want := fmt.Sprint(params{"Visibility": "ENABLED", "SignInOptions": params{"Origin": "APPLICATION", "ApplicationUrl": "https://app.example/start"}})
	if got := fmt.Sprint(shown()); got != want {
		t.Errorf("after an update: %s, want %s", got, want)
	}
	for _, url := range []string{"", "app.example", "javascript:alert(1)", "https://app.example/" + strings.Repeat("a", 512)} {
		h.a.refused(t, "UpdateApplication", update(url), "ValidationException")
	}
	h.a.ok(t, "UpdateApplication", params{"ApplicationArn": h.a.application, "PortalOptions": params{}})
	if got := fmt.Sprint(shown()); got != want {
		t.Errorf("an update without sign-in options left %s", got)
	}
	created := h.a.ok(t, "CreateApplication", params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "hidden",
		"Status": "DISABLED", "Description": "not shown", "PortalOptions": params{"Visibility": "DISABLED"}})
	got := h.a.ok(t, "DescribeApplication", params{"ApplicationArn": created["ApplicationArn"]})
	if at(got, "PortalOptions.Visibility") != "DISABLED" || got["Status"] != "DISABLED" || got["Description"] != "not shown" {
		t.Errorf("created: %v", got)
	}
}

// TestRecordsAreChecked: what does not come through the API is held to the same rules.
func TestRecordsAreChecked(t *testing.T) {
	h := open(t)
	good := Application{InstanceARN: h.a.instance, Name: "n"}
	for name, change := range map[string]func(*Application){
		"no name":         func(a *Application) { a.Name = "" },
		"long name":       func(a *Application) { a.Name = strings.Repeat("ü", 101) },
		"invalid name":    func(a *Application) { a.Name = "\xff" },
		"NUL in the name": func(a *Application) { a.Name = "a\x00" },
		"description":     func(a *Application) { a.Description = strings.Repeat("d", 129) },
		"account":         func(a *Application) { a.AccountID = "12" },
		"provider":        func(a *Application) { a.ProviderARN = CustomProvider + "-saml" },
		"visibility":      func(a *Application) { a.Portal = &PortalOptions{Visibility: new("MAYBE")} },
		"origin":          func(a *Application) { a.Portal = &PortalOptions{SignInOptions: &SignInOptions{Origin: "MOON"}} },
		"tag key":         func(a *Application) { a.Tags = map[string]string{"a*": ""} },
		"tag value":       func(a *Application) { a.Tags = map[string]string{"a": "\n"} },
		"AWS's tag":       func(a *Application) { a.Tags = map[string]string{"AWS:x": ""} },
	} {
		h.update(t, func(tx *store.Tx) error {
			bad := good
			change(&bad)
			if _, err := h.PutApplication(tx, bad); err == nil {
				t.Errorf("%s is accepted", name)
			}
			return nil
		})
	}
	h.update(t, func(tx *store.Tx) error {
		i, err := GetInstance(tx, h.a.instance)
		for name, change := range map[string]func(*Instance){
			"ARN":    func(i *Instance) { i.ARN += "x" },
			"name":   func(i *Instance) { i.Name = "a b" },
			"length": func(i *Instance) { i.Name = strings.Repeat("n", 256) },
			"owner":  func(i *Instance) { i.ARN, i.OwnerAccountID = NewInstanceARN(), "1" },
			"store":  func(i *Instance) { i.ARN, i.IdentityStoreID = NewInstanceARN(), "" },
			"Region": func(i *Instance) { i.Region = "moon" },
			"tags":   func(i *Instance) { i.Tags = map[string]string{tagSigningAlgorithm: "ES256"} },
			"twice":  func(i *Instance) { i.ARN = NewInstanceARN() },
		} {
			bad := i
			change(&bad)
			if PutInstance(tx, bad) == nil {
				t.Errorf("an instance with a bad %s is accepted", name)
			}
		}
		all, err2 := ListInstances(tx)
		if len(all) != 2 || err2 != nil {
			t.Errorf("%d instances, %v", len(all), err2)
		}
		return err
	})
}
