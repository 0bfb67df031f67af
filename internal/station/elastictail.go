package station

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"

	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/source"
)

// elasticTail reads the documents of an index as they come. Where it stands in
// them is kept in the state directory, under a name made of the index's and
// the source's.
func elasticTail(c config.Config, s config.Source, parse logline.Options, i int, stateDir string) (source.Input, error) {
	client, err := elastic.New(ElasticOptions(c.Elasticsearch))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(string(s.Elasticsearch) + "\x00" + s.Name))
	t, err := elastic.NewTail(elastic.TailOptions{Client: client, Index: string(s.Elasticsearch), Time: c.Elasticsearch.Fields.Time,
		FromStart: s.FromStart, File: filepath.Join(stateDir, "tail-"+hex.EncodeToString(sum[:8])+".json")})
	if err != nil {
		return nil, err
	}
	return source.ReadDocuments(source.DocumentsOptions{Name: s.Label(), Store: tailed{t, client}, Parse: parse, Input: i})
}

// tailed is a Tail as internal/source asks for documents.
type tailed struct {
	*elastic.Tail
	client *elastic.Client
}

// Next implements source.Documents.
func (t tailed) Next(ctx context.Context) ([]source.Document, error) {
	docs, err := t.Tail.Next(ctx)
	page := make([]source.Document, 0, len(docs))
	for _, d := range docs {
		page = append(page, source.Document(d))
	}
	return page, err
}

// Close implements source.Documents.
func (t tailed) Close() error {
	defer t.client.Close()
	return t.Tail.Close()
}
