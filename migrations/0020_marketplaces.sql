-- A shop on a marketplace: the same tables for every one of them. Rules as in 0004: natural keys per integration, content
-- hash, removal is `deleted_at`. Ids are text (they may pass 2^53), amounts are signed as the seller sees them.
-- Locks `integrations` and `messages` for a moment: new foreign keys, and a wider check. Creates new objects otherwise.

-- Up Migration

-- Orders, and parts of orders that are sent on their own. At Wildberries three streams tell of one order: each writes columns
-- of its own, with a content hash and a stamp of its own, and what they say together is generated, whoever came last.
-- Prefixes: `posting_` a stream that tells all of it (Ozon), `feed_` and `statistics_` and `fbs_` at Wildberries.
create table orders (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  order_key text not null,
  kind text not null default 'sale' check (kind in ('sale', 'service')),

  parent_key text,
  posting_group text,
  posting_scheme text check (posting_scheme in ('fbo', 'fbs', 'rfbs')),
  posting_status text check (posting_status in ('new', 'processing', 'delivering', 'delivered', 'cancelled', 'returned')),
  posting_platform_status text,
  posting_platform_substatus text,
  posting_ordered_at timestamptz,
  ship_by timestamptz,
  delivered_at timestamptz,
  posting_cancelled_at timestamptz,
  posting_cancel_reason text,
  posting_amount numeric(20, 6),
  posting_currency text check (posting_currency ~ '^[A-Z]{3}$'),
  posting_paid_amount numeric(20, 6),
  posting_paid_currency text check (posting_paid_currency ~ '^[A-Z]{3}$'),
  posting_quantity integer,
  items jsonb,
  posting_warehouse_key text,
  posting_warehouse_name text,
  posting_region text,
  posting_details jsonb,
  posting_updated_at timestamptz,
  posting_hash bytea,

  statistics_group text,
  statistics_ordered_at timestamptz,
  statistics_is_cancelled boolean,
  statistics_cancelled_at timestamptz,
  statistics_product_key text,
  statistics_offer_code text,
  barcode text,
  category text,
  brand text,
  size text,
  statistics_scheme text check (statistics_scheme in ('fbo', 'fbs')),
  statistics_warehouse_name text,
  statistics_region text,
  statistics_amount numeric(20, 6),
  statistics_paid_amount numeric(20, 6),
  statistics_currency text check (statistics_currency ~ '^[A-Z]{3}$'),
  statistics_details jsonb,
  statistics_updated_at timestamptz,
  statistics_hash bytea,

  feed_status text check (feed_status in ('new', 'processing', 'delivering', 'delivered', 'cancelled', 'returned')),
  feed_platform_status text,
  feed_cancel_reason text,
  feed_ordered_at timestamptz,
  feed_product_key text,
  feed_variant_key text,
  feed_scheme text check (feed_scheme in ('fbo', 'fbs')),
  feed_warehouse_name text,
  feed_region text,
  feed_amount numeric(20, 6),
  feed_currency text check (feed_currency ~ '^[A-Z]{3}$'),
  feed_updated_at timestamptz,
  feed_hash bytea,

  assembly_id text,
  fbs_group text,
  fbs_status text check (fbs_status in ('new', 'processing', 'delivering', 'delivered', 'cancelled', 'returned')),
  fbs_supplier_status text,
  fbs_platform_status text,
  fbs_ordered_at timestamptz,
  fbs_product_key text,
  fbs_variant_key text,
  fbs_offer_code text,
  fbs_warehouse_key text,
  supply_key text,
  fbs_amount numeric(20, 6),
  fbs_currency text check (fbs_currency ~ '^[A-Z]{3}$'),
  fbs_details jsonb,
  fbs_updated_at timestamptz,
  fbs_hash bytea,

  -- What ended an order is final, whoever says so; until then the seller's own side knows more than the feed.
  status text not null generated always as (
    case
      when posting_status is not null then posting_status
      when feed_status in ('delivered', 'cancelled', 'returned') then feed_status
      when fbs_status in ('delivered', 'cancelled', 'returned') then fbs_status
      when statistics_is_cancelled then 'cancelled'
      else coalesce(fbs_status, feed_status, 'new')
    end
  ) stored,
  platform_status text generated always as (
    coalesce(posting_platform_status, feed_platform_status, fbs_platform_status)
  ) stored,
  order_group text generated always as (coalesce(posting_group, statistics_group, fbs_group)) stored,
  scheme text generated always as (
    case when assembly_id is not null then 'fbs' else coalesce(posting_scheme, feed_scheme, statistics_scheme) end
  ) stored,
  ordered_at timestamptz generated always as (
    coalesce(posting_ordered_at, fbs_ordered_at, feed_ordered_at, statistics_ordered_at)
  ) stored,
  cancelled_at timestamptz generated always as (
    coalesce(
      posting_cancelled_at,
      case when feed_status = 'cancelled' then feed_updated_at end,
      case when feed_status is null or feed_status not in ('delivered', 'returned') then statistics_cancelled_at end
    )
  ) stored,
  cancel_reason text generated always as (coalesce(posting_cancel_reason, feed_cancel_reason)) stored,
  product_key text generated always as (coalesce(feed_product_key, fbs_product_key, statistics_product_key)) stored,
  variant_key text generated always as (coalesce(feed_variant_key, fbs_variant_key)) stored,
  offer_code text generated always as (coalesce(statistics_offer_code, fbs_offer_code)) stored,
  -- At the seller's price after his own discounts; amount and currency from one stream.
  amount numeric(20, 6) generated always as (
    coalesce(posting_amount, feed_amount, statistics_amount, fbs_amount)
  ) stored,
  currency text generated always as (
    case
      when posting_amount is not null then posting_currency
      when feed_amount is not null then feed_currency
      when statistics_amount is not null then statistics_currency
      when fbs_amount is not null then fbs_currency
    end
  ) stored,
  -- What the buyer pays.
  paid_amount numeric(20, 6) generated always as (coalesce(posting_paid_amount, statistics_paid_amount)) stored,
  paid_currency text generated always as (
    case
      when posting_paid_amount is not null then posting_paid_currency
      when statistics_paid_amount is not null then statistics_currency
    end
  ) stored,
  quantity integer generated always as (
    case when posting_hash is null then 1 else posting_quantity end
  ) stored,
  warehouse_key text generated always as (coalesce(posting_warehouse_key, fbs_warehouse_key)) stored,
  warehouse_name text generated always as (
    coalesce(posting_warehouse_name, feed_warehouse_name, statistics_warehouse_name)
  ) stored,
  region text generated always as (coalesce(posting_region, feed_region, statistics_region)) stored,

  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, order_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index orders_user_ordered on orders (user_id, ordered_at desc);
create index orders_group on orders (integration_id, order_group);

-- Cards of the catalogue. `product_key` is what prices, stocks and orders name.
create table products (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  product_key text not null,
  offer_code text,
  title text,
  description text,
  brand text,
  category_id text,
  category text,
  barcodes text[] not null default '{}',
  images text[] not null default '{}',
  variants jsonb not null default '[]',
  attributes jsonb not null default '[]',
  status text not null check (status in ('active', 'hidden', 'archived', 'trashed')),
  platform_status text,
  trashed_at timestamptz,
  listed_at timestamptz,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, product_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index products_user_product on products (user_id, product_key);

-- What a product costs, or one size of it where prices are set by size.
create table prices (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  price_key text not null,
  product_key text not null,
  offer_code text,
  variant_key text,
  price numeric(20, 6),
  discounted_price numeric(20, 6),
  club_price numeric(20, 6),
  min_price numeric(20, 6),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  discount_percent numeric(20, 6),
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, price_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index prices_user_product on prices (user_id, product_key);

-- How much of a product lies in one place. A snapshot: what the platform no longer lists is removed.
create table stocks (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  stock_key text not null,
  product_key text,
  offer_code text,
  variant_key text,
  fulfilment text not null check (fulfilment in ('platform', 'seller')),
  warehouse_key text,
  warehouse_name text,
  quantity integer not null,
  reserved integer,
  in_way_to_client integer,
  in_way_from_client integer,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, stock_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index stocks_user_product on stocks (user_id, product_key);

-- Sales and returns as statistics tell them; an order may have both. Returns are negative.
create table sales (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  sale_key text not null,
  order_key text,
  kind text not null check (kind in ('sale', 'return')),
  sold_at timestamptz not null,
  product_key text,
  offer_code text,
  barcode text,
  warehouse_name text,
  region text,
  amount numeric(20, 6),
  paid_amount numeric(20, 6),
  payout numeric(20, 6),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, sale_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index sales_user_sold on sales (user_id, sold_at);
create index sales_order on sales (integration_id, order_key);

-- Lines of the platform's accounts, signed as the seller sees them. `entry_date` is the platform's day, in Moscow.
create table finance_entries (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  source text not null check (source !~ '\s'),
  entry_id text not null,
  report_id text,
  kind text not null check (kind in ('sale', 'return', 'service', 'penalty', 'compensation', 'other')),
  platform_kind text,
  entry_date date not null,
  occurred_at timestamptz,
  amount numeric(20, 6) not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  quantity integer,
  order_key text,
  product_key text,
  offer_code text,
  breakdown jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, source, entry_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index finance_entries_user_date on finance_entries (user_id, entry_date);
create index finance_entries_order on finance_entries (integration_id, order_key);

-- Buyers' claims, and goods on their way back.
create table returns (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  return_key text not null,
  kind text not null check (kind in ('claim', 'return')),
  order_key text,
  product_key text,
  offer_code text,
  status text check (status in ('open', 'approved', 'rejected', 'in_transit', 'received', 'closed')),
  platform_status text,
  reason text,
  comment text,
  quantity integer,
  amount numeric(20, 6),
  currency text check (currency ~ '^[A-Z]{3}$'),
  opened_at timestamptz,
  status_changed_at timestamptz,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, return_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index returns_user_opened on returns (user_id, opened_at);
create index returns_order on returns (integration_id, order_key);

-- What buyers think of products.
create table reviews (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  review_key text not null,
  product_key text,
  offer_code text,
  rating integer check (rating between 1 and 5),
  text text,
  pros text,
  cons text,
  author_name text,
  status text not null check (status in ('new', 'viewed', 'answered', 'archived')),
  platform_status text,
  answer_text text,
  answered_at timestamptz,
  answer_state text,
  published_at timestamptz not null,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, review_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index reviews_user_published on reviews (user_id, published_at desc);

-- What buyers ask about products.
create table questions (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  question_key text not null,
  product_key text,
  offer_code text,
  text text,
  author_name text,
  status text not null check (status in ('new', 'viewed', 'answered', 'archived')),
  platform_status text,
  answer_text text,
  answered_at timestamptz,
  answer_state text,
  published_at timestamptz not null,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, question_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index questions_user_published on questions (user_id, published_at desc);

-- Goods sent to the platform's warehouses.
create table supplies (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  supply_key text not null,
  status text check (status in ('draft', 'planned', 'accepting', 'accepted', 'closed', 'cancelled')),
  platform_status text,
  warehouse_key text,
  warehouse_name text,
  quantity integer,
  accepted_quantity integer,
  goods jsonb not null default '[]',
  planned_at timestamptz,
  fact_at timestamptz,
  opened_at timestamptz,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, supply_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index supplies_user_opened on supplies (user_id, opened_at desc);

-- How a product did on one day of the platform, which is Moscow's.
create table product_daily_stats (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  stat_key text not null,
  product_key text not null,
  stat_date date not null,
  views integer,
  cart_adds integer,
  orders integer,
  orders_amount numeric(20, 6),
  buyouts integer,
  buyouts_amount numeric(20, 6),
  cancels integer,
  returns integer,
  currency text check (currency ~ '^[A-Z]{3}$'),
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, stat_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index product_daily_stats_user_date on product_daily_stats (user_id, stat_date);

-- The shops themselves: who they are, how they are rated, what their credential may do.
create table seller_accounts (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  account_key text not null,
  name text,
  legal_name text,
  tax_id text,
  country text,
  currency text check (currency ~ '^[A-Z]{3}$'),
  subscription text,
  rating numeric(20, 6),
  ratings jsonb not null default '[]',
  permissions text[] not null default '{}',
  credential_expires_at timestamptz,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, account_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
-- Lines of orders, one shape for all: where an order is one piece, the order itself is its line.
create view order_items with (security_invoker = true) as
select
  o.id as order_id,
  o.user_id,
  o.integration_id,
  o.order_key,
  l.line,
  coalesce(l.item ->> 'productKey', o.product_key) as product_key,
  coalesce(l.item ->> 'sku', o.variant_key) as sku,
  coalesce(l.item ->> 'offerCode', o.offer_code) as offer_code,
  l.item ->> 'name' as name,
  coalesce((l.item ->> 'quantity')::integer, 1) as quantity,
  case when l.item is null then o.amount else (l.item ->> 'price')::numeric end as price,
  case when l.item is null then o.currency else l.item ->> 'priceCurrency' end as price_currency,
  case when l.item is null then o.paid_amount else (l.item ->> 'paidPrice')::numeric end as paid_price,
  case when l.item is null then o.paid_currency else l.item ->> 'paidCurrency' end as paid_currency
from orders o
left join lateral jsonb_array_elements(o.items) with ordinality as l (item, line) on true
where o.deleted_at is null
  and (o.items is null or l.item is not null);

call tidemark_private.protect('orders', 'domain');
call tidemark_private.protect('products', 'domain');
call tidemark_private.protect('prices', 'domain');
call tidemark_private.protect('stocks', 'domain');
call tidemark_private.protect('sales', 'domain');
call tidemark_private.protect('finance_entries', 'domain');
call tidemark_private.protect('returns', 'domain');
call tidemark_private.protect('reviews', 'domain');
call tidemark_private.protect('questions', 'domain');
call tidemark_private.protect('supplies', 'domain');
call tidemark_private.protect('product_daily_stats', 'domain');
call tidemark_private.protect('seller_accounts', 'domain');
grant select, insert, update, delete on
  orders, products, prices, stocks, sales, finance_entries, returns, reviews, questions, supplies,
  product_daily_stats, seller_accounts
  to tidemark_worker;
grant select on
  orders, products, prices, stocks, sales, finance_entries, returns, reviews, questions, supplies,
  product_daily_stats, seller_accounts
  to tidemark_api;
grant select on order_items to tidemark_api, tidemark_worker, tidemark_readonly, tidemark_backup;

alter table messages drop constraint messages_sender_type_check;
alter table messages add constraint messages_sender_type_check
  check (sender_type in ('client', 'freelancer', 'seller', 'system'));

insert into platforms (id, name, display_name, type, region, capabilities, required_credentials) values
  ('wildberries', 'Wildberries', 'Wildberries', 'ecommerce', 'russia',
   '{account,products,prices,stocks,orders,sales,finance,returns,reviews,questions,messages,supplies,analytics}', '{api_key}'),
  ('ozon', 'Ozon', 'Ozon', 'ecommerce', 'russia',
   '{account,products,prices,stocks,orders,finance,returns,reviews,questions,messages,analytics}', '{client_id,api_key}');

-- Down Migration

delete from platforms where id in ('wildberries', 'ozon');
alter table messages drop constraint messages_sender_type_check;
alter table messages add constraint messages_sender_type_check check (sender_type in ('client', 'freelancer', 'system'));
drop view order_items;
drop table seller_accounts;
drop table product_daily_stats;
drop table supplies;
drop table questions;
drop table reviews;
drop table returns;
drop table finance_entries;
drop table sales;
drop table stocks;
drop table prices;
drop table products;
drop table orders;
