// Checks proofs and checkpoints with Go's own packages: reads one JSON object a line, prints "ok"
// or what is wrong, one line each.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Kind             string
	Vkey, Note       string
	Body             []byte
	Index, Size, Old int64
	Root, OldRoot    []byte
	Proof            [][]byte
}

func hash(b []byte) (h tlog.Hash) {
	copy(h[:], b)
	return h
}

func hashes(list [][]byte) (p []tlog.Hash) {
	for _, b := range list {
		p = append(p, hash(b))
	}
	return p
}

func check(q question) error {
	switch q.Kind {
	case "note":
		verifier, err := note.NewVerifier(q.Vkey)
		if err != nil {
			return err
		}
		opened, err := note.Open([]byte(q.Note), note.VerifierList(verifier))
		if err != nil {
			return err
		}
		lines := strings.Split(opened.Text, "\n")
		root := base64.StdEncoding.EncodeToString(q.Root)
		if lines[1] != fmt.Sprint(q.Size) || lines[2] != root {
			return fmt.Errorf("another tree: %v", lines)
		}
		return nil
	case "inclusion":
		leaf := tlog.RecordHash(q.Body)
		return tlog.CheckRecord(hashes(q.Proof), q.Size, hash(q.Root), q.Index, leaf)
	case "consistency":
		return tlog.CheckTree(hashes(q.Proof), q.Size, hash(q.Root), q.Old, hash(q.OldRoot))
	}
	return fmt.Errorf("unknown kind %q", q.Kind)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q question
		err := json.Unmarshal(lines.Bytes(), &q)
		if err == nil {
			err = check(q)
		}
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
}
