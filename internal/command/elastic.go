package command

import (
	"context"
	"fmt"

	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/station"
)

// ElasticOptions says how ElasticSetup works.
type ElasticOptions struct {
	Config config.Config
	DryRun bool // print the requests, change nothing
}

// ElasticSetup installs levee's templates, data streams and index.
func ElasticSetup(ctx context.Context, s Streams, o ElasticOptions) error {
	c, err := elasticClient(o.Config)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Setup(ctx, elastic.SetupOptions{DryRun: o.DryRun, Out: s.Out}); err != nil {
		return fmt.Errorf("elastic setup: %w", err)
	}
	return nil
}

// ElasticRole prints what an API key for levee needs to be allowed.
func ElasticRole(s Streams, name string) error {
	b, err := elastic.Role(name)
	if err != nil {
		return Wrong(err)
	}
	_, err = s.Out.Write(b)
	return err
}

// elasticClient builds a client from levee.yaml.
func elasticClient(c config.Config) (*elastic.Client, error) {
	if len(c.Elasticsearch.URLs) == 0 {
		return nil, Usagef("no cluster is configured; add elasticsearch: {urls: [\"https://es.example.com:9200\"]} to levee.yaml")
	}
	client, err := elastic.New(station.ElasticOptions(c.Elasticsearch))
	return client, Wrong(err)
}
