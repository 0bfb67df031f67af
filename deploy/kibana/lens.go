package kibana

import (
	"cmp"
	"fmt"
)

type object = map[string]any

const layer = "layer" // each picture has one

// operations are Lens's names of what a Value does.
var operations = map[string]string{
	"count": "count", "unique": "unique_count", "max": "max", "average": "average", "sum": "sum", "last": "last_value",
}

// lens returns the picture's attributes.
func (p Panel) lens() object {
	kind, cols, order := "", object{}, []string{}
	var picture object
	add := func(id string, column object) string {
		cols[id] = column
		order = append(order, id)
		return id
	}
	x := ""
	if p.Kind == "line" || p.Kind == "area" || p.Kind == "bar" {
		x = add("time", object{"label": timeField, "dataType": "date", "operationType": "date_histogram", "sourceField": timeField,
			"isBucketed": true, "scale": "interval", "params": object{"interval": "auto", "includeEmptyRows": true, "dropPartials": false}})
	}
	var by, show []string
	for i, f := range p.By {
		by = append(by, add(fmt.Sprintf("by%d", i), object{"label": f, "dataType": "string", "operationType": "terms", "sourceField": f,
			"isBucketed": true, "scale": "ordinal", "params": object{"size": cmp.Or(p.Top, 10), "orderBy": object{"type": "column", "columnId": "show0"},
				"orderDirection": "desc", "otherBucket": p.Kind != "table", "missingBucket": false, "parentFormat": object{"id": "terms"}}}))
	}
	for i, v := range p.Show {
		show = append(show, add(fmt.Sprintf("show%d", i), v.column()))
	}
	switch p.Kind {
	case "metric":
		kind, picture = "lnsMetric", object{"layerId": layer, "layerType": "data", "metricAccessor": show[0]}
	case "donut":
		kind = "lnsPie"
		picture = object{"shape": "donut", "layers": []object{{"layerId": layer, "layerType": "data", "primaryGroups": by, "metrics": show,
			"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "default", "nestedLegend": false}}}
	case "table":
		kind = "lnsDatatable"
		var list []object
		for _, id := range append(by, show...) {
			list = append(list, object{"columnId": id})
		}
		picture = object{"layerId": layer, "layerType": "data", "columns": list, "paging": object{"enabled": true, "size": 10},
			"sorting": object{"columnId": show[0], "direction": "desc"}}
	default:
		kind = "lnsXY"
		series := map[string]string{"line": "line", "area": "area_stacked", "bar": "bar_stacked"}[p.Kind]
		one := object{"layerId": layer, "layerType": "data", "seriesType": series, "xAccessor": x, "accessors": show}
		if len(by) > 0 {
			one["splitAccessor"] = by[0]
		}
		picture = object{"layers": []object{one}, "preferredSeriesType": series, "legend": object{"isVisible": true, "position": "bottom"},
			"valueLabels": "hide", "fittingFunction": "None", "axisTitlesVisibilitySettings": object{"x": false, "yLeft": false, "yRight": false}}
	}
	return object{
		"title": p.Title, "description": p.About, "visualizationType": kind,
		"state": object{
			"datasourceStates": object{"formBased": object{"layers": object{layer: object{
				"columns": cols, "columnOrder": order, "incompleteColumns": object{}, "sampling": 1}}}},
			"visualization": picture, "query": kuery(p.kql()), "filters": []object{}, "internalReferences": []object{}, "adHocDataViews": object{},
		},
	}
}

// column returns v as a column of Lens.
func (v Value) column() object {
	c := object{"label": v.Label, "customLabel": true, "dataType": "number", "operationType": operations[v.Op], "isBucketed": false, "scale": "ratio"}
	switch v.Op {
	case "count":
		c["sourceField"], c["params"] = "___records___", object{"emptyAsNull": false}
	case "last":
		c["sourceField"], c["dataType"] = v.Field, cmp.Or(v.Kind, "number")
		c["params"] = object{"sortField": timeField, "showArrayValues": false}
		c["filter"] = kuery(fmt.Sprintf("%q: *", v.Field))
		if v.Kind == "string" || v.Kind == "boolean" {
			c["scale"] = "ordinal"
		}
	default:
		c["sourceField"], c["params"] = v.Field, object{"emptyAsNull": true}
	}
	return c
}

func kuery(q string) object { return object{"query": q, "language": "kuery"} }
