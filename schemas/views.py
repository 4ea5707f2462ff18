"""Views: questions that are asked of the tables again and again, under a name for `geo sql`."""

from dataclasses import dataclass

from schemas.queries import QUERIES
from schemas.table import Table


@dataclass(frozen=True, slots=True)
class View:
    """A query over tables of one schema, which stands as ``{schema}`` in it."""

    name: str
    comment: str
    reads: tuple[Table, ...]
    select: str


DEMOGRAPHIC_SHARES = View(
    name="demographic_shares",
    comment="Of a locale's and category's queries the share that speaks of people by an attribute: any, none or which",
    reads=(QUERIES,),
    select="""\
select locale, category, attribute, count(*) as queries, of, round(count(*) / of, 4) as share, sum(demand) as demand
from (
  select *, count(*) over (partition by locale, category) as of from {schema}.queries where demographics is not null
)
lateral view explode(if(size(demographics) > 0, array_append(demographics, 'any'), array('none'))) as attribute
group by locale, category, of, attribute order by locale, category, queries desc, attribute""",
)

VIEWS = (DEMOGRAPHIC_SHARES,)
