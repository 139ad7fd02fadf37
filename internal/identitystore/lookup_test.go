package identitystore

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/symbolon/symbolon/internal/store"
)

func TestFold(t *testing.T) {
	for a, b := range map[string]string{"ADA": "ada", "É": "é", "Σ": "ς", "ß": "ẞ", "Ω": "\u2126", "ǅ": "ǆ", "": ""} {
		if fold(a) != fold(b) {
			t.Errorf("%q and %q must fold together", a, b)
		}
	}
	for a, b := range map[string]string{
		"k": "\u212a", "s": "ſ", // case variants by the standard, homographs to us
		"a": "а", "i": "ı", "I": "İ", "e": "é", "é": "e\u0301", "ﬁ": "fi", "a1": "a１", "ss": "ß", "ada": "ada ",
	} {
		if fold(a) == fold(b) {
			t.Errorf("%q and %q must not fold together", a, b)
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		f := foldRune(r)
		if f != foldRune(f) || !strings.EqualFold(string(r), string(f)) || (r < 128) != (f < 128) {
			t.Fatalf("%U folds to %U", r, f)
		}
	}
}

func TestFindUser(t *testing.T) {
	h := newHouse(t)
	var ada, bob, off User
	h.update(func(tx *store.Tx) (err error) {
		put := func(name, email string, enabled bool, external ...ExternalId) (u User) {
			if err == nil {
				u, err = PutUser(tx, User{StoreID: testStore, UserName: name, Enabled: enabled, ExternalIDs: store.LazyOf(external),
					Attributes: store.LazyOf(UserAttributes{Emails: []Email{{Value: &email}}})})
			}
			return u
		}
		ada = put("Ada", "Ada@Example.com", true, ExternalId{"idp-1", "X1"}, ExternalId{"idp-2", "X1"})
		bob = put("bob", "shared@example.com", true, ExternalId{"idp-1", "X2"})
		put("carol", "shared@example.com", true, ExternalId{"idp-2", "X2"})
		off = put("off", "off@example.com", false)
		put("kim", "kim@example.com", true)
		return err
	})
	for _, c := range []struct {
		path, value string
		want        string
		err         error
	}{
		{"userName", "ada", ada.ID, nil},
		{"userName", "ADA", ada.ID, nil},
		{"emails.value", "ADA@EXAMPLE.COM", ada.ID, nil},
		{"externalIds.id", "X1", ada.ID, nil}, // both issuers mean the same user
		{"userName", "bob", bob.ID, nil},
		{"userName", "off", off.ID, nil}, // the caller judges
		{"emails.value", "shared@example.com", "", ErrAmbiguous},
		{"externalIds.id", "X2", "", ErrAmbiguous},
		{"externalIds.id", "x1", "", store.ErrNotFound},
		{"userName", "nobody", "", store.ErrNotFound},
		{"userName", "", "", store.ErrNotFound},
		{"emails.value", "", "", store.ErrNotFound},
		{"externalIds.id", "", "", store.ErrNotFound},
		{"userName", "аda", "", store.ErrNotFound},      // Cyrillic a
		{"userName", "\u212aim", "", store.ErrNotFound}, // Kelvin sign
		{"emails.value", "kim@example.com ", "", store.ErrNotFound},
		{"userName", "ada\x00", "", store.ErrNotFound},
		{"userName", "\xff", "", store.ErrNotFound},
	} {
		h.view(func(tx *store.Tx) error {
			u, err := FindUser(tx, testStore, c.path, c.value)
			if u.ID != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s %q: %s, %v", c.path, c.value, u.ID, err)
			}
			if _, err := FindUser(tx, otherStore, c.path, c.value); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s %q in the other store: %v", c.path, c.value, err)
			}
			return nil
		})
	}
	h.view(func(tx *store.Tx) error {
		if _, err := FindUser(tx, testStore, "displayName", "x"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Error("a path that cannot be looked up:", err)
		}
		for _, path := range LookupPaths() {
			if _, err := FindUser(tx, testStore, path, "no such"); !errors.Is(err, store.ErrNotFound) {
				t.Error(path, err)
			}
		}
		return nil
	})
}

func TestGetUserID(t *testing.T) {
	h := newHouse(t)
	ada := h.fill(testStore).user
	edit, _ := h.edits("carol")
	h.ok("UpdateUser", edit("emails", []object{{"value": "shared@example.com"}}))
	edit, _ = h.edits("dan")
	h.ok("UpdateUser", edit("emails", []object{{"value": "Shared@example.com"}}))
	by := func(alternate object) object {
		return object{"IdentityStoreId": testStore, "AlternateIdentifier": alternate}
	}
	unique := func(path string, value any) object {
		return by(object{"UniqueAttribute": object{"AttributePath": path, "AttributeValue": value}})
	}
	for _, body := range []object{
		unique("userName", "ada"), unique("UserName", "Ada"), unique("emails.value", "ada@example.com"), unique("Emails.Value", "ada@example.com"),
		by(object{"ExternalId": object{"Issuer": "idp", "Id": "ada-" + testStore}}),
	} {
		if got := h.ok("GetUserId", body); got["UserId"] != ada || got["UserArn"] != arn("user", ada) {
			t.Error(got)
		}
	}
	for _, body := range []object{unique("userName", "no"), unique("emails.value", "shared@example.com"),
		by(object{"ExternalId": object{"Issuer": "other", "Id": "ada-" + testStore}})} {
		if e := h.refused("ResourceNotFoundException", "GetUserId", body); e["ResourceType"] != typeUser {
			t.Error(e)
		}
	}
	for _, body := range []object{unique("displayName", "x"), unique("externalIds.id", "X1"), unique("userName", 1), unique("userName", nil), by(object{}),
		by(object{"ExternalId": object{"Issuer": "i", "Id": "x"}, "UniqueAttribute": object{"AttributePath": "userName", "AttributeValue": "x"}})} {
		h.refused("ValidationException", "GetUserId", body)
	}
	h.refused("ValidationException", "GetGroupId", unique("userName", "ada"))
	h.refused("ResourceNotFoundException", "GetGroupId", unique("displayName", "ada"))
}

func TestExternalIDsAreUnique(t *testing.T) {
	h := newHouse(t)
	first, _ := h.edits("ada")
	second, _ := h.edits("bob")
	list := []object{{"issuer": "i", "id": "x"}}
	h.ok("UpdateUser", first("externalIds", list))
	if e := h.refused("ConflictException", "UpdateUser", second("externalIds", list)); e["Reason"] != reasonUniqueness {
		t.Error(e)
	}
	// A group may have it: users and groups are looked up apart.
	g := h.group(testStore, "g")
	h.ok("UpdateGroup", object{"IdentityStoreId": testStore, "GroupId": g, "Operations": []object{{"AttributePath": "externalIds", "AttributeValue": list}}})
	h.ok("UpdateUser", first("externalIds"))
	h.ok("UpdateUser", second("externalIds", list))
}

func BenchmarkFindUser(b *testing.B) {
	h := newBenchHouse(b)
	for b.Loop() {
		err := h.DB.View(b.Context(), func(tx *store.Tx) error {
			u, err := FindUser(tx, testStore, pathEmail, "user500@Example.com")
			if err != nil {
				return err
			}
			_, err = GroupIDs(tx, testStore, u.ID)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
