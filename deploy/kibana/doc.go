// Package kibana builds the saved objects of this folder: dashboards.yaml says
// in a page what is shown, levee.ndjson is what Kibana imports. It is no part
// of the levee program.
//
// The shape of the objects is that of Kibana 8.9's exports; newer ones migrate
// them while they import.
package kibana
