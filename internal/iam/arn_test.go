package iam

import "testing"

func TestIsEntity(t *testing.T) {
	arn := entityARN("111122223333", "user", "/a/", "alice")
	if !isEntity(arn, "111122223333", "user", "/a/", "alice") {
		t.Error("an ARN is not its own")
	}
	for _, other := range []string{
		"", arn[1:], arn + "x", arn[:len(arn)-1], rootARN("111122223333"),
		entityARN("111122223334", "user", "/a/", "alice"), entityARN("111122223333", "role", "/a/", "alice"),
		entityARN("111122223333", "user", "/", "alice"), entityARN("111122223333", "user", "/a/", "bob"),
	} {
		if isEntity(other, "111122223333", "user", "/a/", "alice") {
			t.Errorf("%s is taken for %s", other, arn)
		}
	}
}
