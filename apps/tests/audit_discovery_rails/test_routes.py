"""Routes files of Rails, and the tables that `rails routes` prints for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent, indent

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.rails import normal, variants
from accepted_apps.audit.model import Route

Checkout = Callable[[Mapping[str, str]], Path]


def drawn(checkout: Checkout, routes: str, files: Mapping[str, str] | None = None) -> list[Route]:
    text = f"Rails.application.routes.draw do\n{indent(dedent(routes), '  ')}\nend\n"
    return discover(checkout({"config/routes.rb": text, **(files or {})})).routes


def table(checkout: Checkout, routes: str) -> set[str]:
    """Each as `GET /users users#index`, the action where no controller is in the repository."""
    return {f"{route.method} {route.path} {route.function}".strip() for route in drawn(checkout, routes)}


def test_resources_are_eight_routes(checkout: Checkout) -> None:
    assert table(checkout, "resources :photos") == {
        "GET /photos photos#index",
        "POST /photos photos#create",
        "GET /photos/new photos#new",
        "GET /photos/{id}/edit photos#edit",
        "GET /photos/{id} photos#show",
        "PATCH /photos/{id} photos#update",
        "PUT /photos/{id} photos#update",
        "DELETE /photos/{id} photos#destroy",
    }


def test_a_resource_is_seven_and_has_the_controller_in_the_plural(checkout: Checkout) -> None:
    assert table(checkout, "resource :geocoder") == {
        "GET /geocoder/new geocoders#new",
        "GET /geocoder/edit geocoders#edit",
        "GET /geocoder geocoders#show",
        "PATCH /geocoder geocoders#update",
        "PUT /geocoder geocoders#update",
        "DELETE /geocoder geocoders#destroy",
        "POST /geocoder geocoders#create",
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("resources :a, :b, only: :index", {"GET /a a#index", "GET /b b#index"}),
        ("resources :a, only: %i[index show]", {"GET /a a#index", "GET /a/{id} a#show"}),
        ("resources :a, only: [:show], param: :slug", {"GET /a/{slug} a#show"}),
        ("resources :a, only: :show, path: 'letters/a', controller: 'x/y'", {"GET /letters/a/{id} x/y#show"}),
        ("resources :a, only: :new, path_names: { new: 'neu' }", {"GET /a/neu a#new"}),
        ("resources :a, only: []", set()),
        ("resources :a, except: [:show, :edit, :new, :update, :destroy]", {"GET /a a#index", "POST /a a#create"}),
        ("namespace(:n) { resources :a, only: :index }", {"GET /n/a n/a#index"}),
        ("namespace :n, path: 'p', module: 'm' do\n resources :a, only: :index\nend", {"GET /p/a m/a#index"}),
        ("scope '/s', module: :m do\n resources :a, only: :index\nend", {"GET /s/a m/a#index"}),
        ("scope :api, :v1 do\n get 'x', to: 'y#z'\nend", {"GET /api/v1/x y#z"}),
        ("scope only: :index do\n resources :a\nend", {"GET /a a#index"}),
        ("controller :a do\n get 'b'\n get 'c' => :d\nend", {"GET /b a#b", "GET /c a#d"}),
        ("get 'photos/popular'", {"GET /photos/popular photos#popular"}),
        ("get 'a-b/c-d'", {"GET /a-b/c-d a_b#c_d"}),
        ("get '/x', to: 'admin/y#z', as: :x, defaults: { format: :json }", {"GET /x admin/y#z"}),
        ("get '/x', controller: 'y', action: :z", {"GET /x y#z"}),
        ("namespace :n do\n get 'x', to: '/y#z'\n get 'w'\nend", {"GET /n/x y#z", "GET /n/w n#w"}),
        ("match 'x', to: 'y#z', via: [:get, 'post']", {"GET /x y#z", "POST /x y#z"}),
        ("match 'x', to: 'y#z', via: :all", {"ANY /x y#z"}),
        ("query :search, to: 'y#z'", {"QUERY /search y#z"}),
        ("root 'home#index'\nnamespace(:n) { root to: 'home#index' }", {"GET / home#index", "GET /n n/home#index"}),
        ("get 'protocol' => redirect('/x')\nget 'path' => 'y#z'", {"GET /protocol", "GET /path y#z"}),
        ("root to: 'home#index', via: [:get, :post]", {"GET / home#index", "POST / home#index"}),
        ("get 'a/(:b)_v(:c)' => 'y#z'", {f"GET /a{b}_v{c} y#z" for b in ("", "/{b}") for c in ("", "{c}")}),
        (
            "api_version(module: 'Api::V1', path: {value: 'api/v1'}) { resources :users, only: :index }",
            {"GET /api/v1/users api/v1/users#index"},
        ),
        (
            "api_version(module: 'V2', header: {name: 'Accept', value: 'v2'}) { get 'x', to: 'y#z' }",
            {"GET /x v2/y#z"},
        ),
        (
            "api_version(module: 'V2', path: {value: 'v2'}, default: true) { get 'x', to: 'y#z' }",
            {"GET /v2/x v2/y#z", "GET /x v2/y#z"},
        ),
        ("root to: redirect('/x')\nget 'y', to: ->(env) { [200] }", {"GET /", "GET /y"}),
        ("get '/files/*path(.:format)', to: 'f#s'", {"GET /files/{path*} f#s"}),
        ("get '/:year(/:month)', to: 'b#i'", {"GET /{year} b#i", "GET /{year}/{month} b#i"}),
        ("scope '(:locale)' do\n get 'x', to: 'y#z'\nend", {"GET /x y#z"}),
        ("constraints subdomain: 'api' do\n get 'x', to: 'y#z'\nend", {"GET /x y#z"}),
        ("defaults format: :json do\n get 'x', to: 'y#z'\nend", {"GET /x y#z"}),
        ("authenticate :user, ->(u) { u.admin? } do\n get 'x', to: 'y#z'\nend", {"GET /x y#z"}),
        (
            "if Rails.env.development?\n get 'x', to: 'y#z'\nelse\n get 'w', to: 'y#v'\nend",
            {"GET /x y#z", "GET /w y#v"},
        ),
        ("get 'x', to: 'y#z' unless ENV['OFF']", {"GET /x y#z"}),
        ('%w[a b].each { |n| get "x/#{n}", to: "y##{n}" }', {"GET /x/a y#a", "GET /x/b y#b"}),
        ("{ a: 'b' }.each do |k, v|\n get k, to: v + '#z'\nend", {"GET /a b#z"}),
        ("base = '/c/:id'\nget \"#{base}/d\" => 'y#z'", {"GET /c/{id}/d y#z"}),
        ("with_options only: :index do\n resources :a\n resources :b\nend", {"GET /a a#index", "GET /b b#index"}),
        ("direct(:home) { 'https://example.com' }\nresolve('X') { [:x] }", set()),
    ],
)
def test_lines_of_a_routes_file(checkout: Checkout, written: str, expected: set[str]) -> None:
    assert table(checkout, written) == expected


def test_nested_resources_with_member_collection_and_new(checkout: Checkout) -> None:
    routes = """
        resources :posts, only: [] do
          resources :comments, only: [:index, :destroy] do
            get :spam, on: :collection
          end
          resource :cover, only: :show
          member do
            get :preview
            post 'publish/now', to: 'posts#publish'
          end
          collection { get :search }
          new { get :template }
          get :near
          namespace(:admin) { get :stats, to: 'stats#show' }
        end
        resource :profile, only: [] do
          get :photo
          resources :keys, only: :index
        end
    """
    assert table(checkout, routes) == {
        "GET /posts/{post_id}/comments comments#index",
        "DELETE /posts/{post_id}/comments/{id} comments#destroy",
        "GET /posts/{post_id}/comments/spam comments#spam",
        "GET /posts/{post_id}/cover covers#show",
        "GET /posts/{id}/preview posts#preview",
        "POST /posts/{id}/publish/now posts#publish",
        "GET /posts/search posts#search",
        "GET /posts/new/template posts#template",
        "GET /posts/{post_id}/near posts#near",
        "GET /posts/{post_id}/admin/stats admin/stats#show",
        "GET /profile/photo profiles#photo",
        "GET /profile/keys keys#index",
    }


def test_shallow_resources_leave_their_parents_out_where_they_have_an_id(checkout: Checkout) -> None:
    routes = """
        scope "/hello" do
          resources :notes, shallow: true, only: :show do
            resources :trackbacks, only: [:index, :show]
          end
        end
    """
    assert table(checkout, routes) == {
        "GET /hello/notes/{id} notes#show",
        "GET /hello/notes/{note_id}/trackbacks trackbacks#index",
        "GET /hello/trackbacks/{id} trackbacks#show",
    }


def test_concerns(checkout: Checkout) -> None:
    routes = """
        concern :commentable do
          resources :comments, only: :index
        end
        concern(:likable) { post :like, on: :member }
        resources :posts, only: [], concerns: [:commentable, :likable]
        resources(:photos, only: []) { concerns :likable }
    """
    assert table(checkout, routes) == {
        "GET /posts/{post_id}/comments comments#index",
        "POST /posts/{id}/like posts#like",
        "POST /photos/{id}/like photos#like",
    }


def test_files_that_are_drawn_methods_and_constants(checkout: Checkout) -> None:
    found = discover(
        checkout(
            {
                "config/routes.rb": """
                KINDS = %w[big small].freeze

                def pages(prefix)
                  get "#{prefix}/about", to: "pages#about"
                end

                Rails.application.routes.draw do
                  draw :api
                  scope("/again") { draw(:api) }
                  pages "/info"
                  KINDS.each { |kind| get kind, to: "kinds#show" }
                end
                """,
                "config/routes/api.rb": 'get "/api/status", to: "api/status#show"\n',
            }
        )
    ).routes
    assert {route.path for route in found} == {
        "/api/status",
        "/again/api/status",
        "/info/about",
        "/big",
        "/small",
    }


def test_an_api_only_application_has_no_forms(checkout: Checkout) -> None:
    found = drawn(
        checkout,
        "resources :photos",
        {"config/application.rb": "module Shop\n  class Application\n    config.api_only = true\n  end\nend\n"},
    )
    assert {route.path for route in found} == {"/photos", "/photos/{id}"}
    assert len(found) == 6


CONTROLLERS = {
    "app/controllers/application_controller.rb": "class ApplicationController < ActionController::Base\nend\n",
    "app/controllers/concerns/listable.rb": """
        module Listable
          extend ActiveSupport::Concern

          def index
            render json: []
          end
        end
        """,
    "app/controllers/admin/base_controller.rb": """
        class Admin::BaseController < ApplicationController
          def show
            render json: record
          end
        end
        """,
    "app/controllers/admin/users_controller.rb": """
        module Admin
          class UsersController < BaseController
            include Listable

            def create
              User.create!(params)
            end

            def update = head(:ok)
          end
        end
        """,
}


def test_the_handler_is_the_method_that_answers(checkout: Checkout) -> None:
    found = drawn(checkout, "namespace(:admin) { resources :users, except: [:new, :edit] }", CONTROLLERS)
    where = {route.function: (route.file.rpartition("/")[2], route.line, route.end_line) for route in found}
    assert where == {
        "Admin::UsersController#create": ("users_controller.rb", 5, 7),
        "Admin::UsersController#update": ("users_controller.rb", 9, 9),
        "Admin::UsersController#index": ("listable.rb", 4, 6),
        "Admin::UsersController#show": ("base_controller.rb", 2, 4),
        "Admin::UsersController#destroy": ("users_controller.rb", 2, 2),
    }
    created = next(route for route in found if route.method == "POST")
    assert (created.declared_file, created.declared_line) == ("config/routes.rb", 2)
    assert "User.create!" in created.snippet
    destroyed = next(route for route in found if route.method == "DELETE")
    assert destroyed.notes == ["Admin::UsersController#destroy has no method of its own in the repository."]


def test_devise_by_the_modules_of_its_model(checkout: Checkout) -> None:
    found = drawn(
        checkout,
        """
        devise_for :users, path: "accounts", path_names: { sign_in: "login" },
                   controllers: { sessions: "users/sessions" }, skip: [:passwords]
        """,
        {
            "app/models/user.rb": """
            class User < ApplicationRecord
              devise :database_authenticatable, :recoverable, :confirmable,
                     :omniauthable, omniauth_providers: %i[github]
            end
            """,
            "app/controllers/users/sessions_controller.rb": """
            class Users::SessionsController < Devise::SessionsController
              def create
              end
            end
            """,
        },
    )
    assert {f"{route.method} {route.path}" for route in found} == {
        "GET /accounts/login",
        "POST /accounts/login",
        "DELETE /accounts/sign_out",
        "GET /accounts/confirmation/new",
        "GET /accounts/confirmation",
        "POST /accounts/confirmation",
        "GET /accounts/auth/github",
        "POST /accounts/auth/github",
        "GET /accounts/auth/github/callback",
        "POST /accounts/auth/github/callback",
    }
    created = next(route for route in found if route.path == "/accounts/login" and route.method == "POST")
    assert created.function == "Users::SessionsController#create"


def test_what_devise_skips_may_be_written_in_the_singular(checkout: Checkout) -> None:
    found = drawn(checkout, "devise_for :users, skip: %i[registration password]")
    assert {f"{route.method} {route.path}" for route in found} == {
        "GET /users/sign_in",
        "POST /users/sign_in",
        "DELETE /users/sign_out",
    }


def test_doorkeeper_with_what_it_skips(checkout: Checkout) -> None:
    routes = """
        use_doorkeeper do
          skip_controllers :applications, :authorized_applications
          controllers tokens: "oauth/tokens"
        end
    """
    assert table(checkout, routes) == {
        "GET /oauth/authorize/native doorkeeper/authorizations#show",
        "GET /oauth/authorize doorkeeper/authorizations#new",
        "POST /oauth/authorize doorkeeper/authorizations#create",
        "DELETE /oauth/authorize doorkeeper/authorizations#destroy",
        "POST /oauth/token oauth/tokens#create",
        "POST /oauth/revoke oauth/tokens#revoke",
        "POST /oauth/introspect oauth/tokens#introspect",
        "GET /oauth/token/info doorkeeper/token_info#show",
    }


ENGINE = {
    "engines/blog/config/routes.rb": "Blog::Engine.routes.draw do\n  resources :posts, only: :index\nend\n",
    "engines/blog/lib/blog/engine.rb": """
        module Blog
          class Engine < ::Rails::Engine
            isolate_namespace Blog
          end
        end
        """,
    "engines/blog/app/controllers/blog/posts_controller.rb": """
        module Blog
          class PostsController
            def index
            end
          end
        end
        """,
}


def test_an_engine_of_the_repository_where_it_is_mounted(checkout: Checkout) -> None:
    found = drawn(checkout, 'scope("/in") { mount Blog::Engine => "/blog" }\nmount Sidekiq::Web, at: "/jobs"', ENGINE)
    assert [(route.path, route.function, route.unresolved) for route in found] == [
        ("/in/blog/posts", "Blog::PostsController#index", [])
    ]


def test_an_engine_that_nobody_mounts_says_so(checkout: Checkout) -> None:
    found = discover(checkout(ENGINE)).routes
    assert [(route.path, route.unresolved) for route in found] == [
        ("/posts", ["Where Blog::Engine is mounted is not told."])
    ]


def test_what_is_mounted_from_outside_is_noted(checkout: Checkout) -> None:
    folder = checkout(
        {"config/routes.rb": "Rails.application.routes.draw do\n  mount Sidekiq::Web, at: '/jobs'\nend\n"}
    )
    assert discover(folder).notes == ["Sidekiq::Web is mounted at /jobs; what it answers is not listed."]


def test_a_part_of_a_path_that_is_not_told(checkout: Checkout) -> None:
    found = drawn(checkout, 'get "/#{Settings.prefix}/x", to: "y#z"\nget Settings.path, to: "y#z"')
    assert [(route.path, route.unresolved) for route in found] == [
        ("/x", ["What Settings.prefix is in line 2 could not be told."])
    ]


@pytest.mark.parametrize(
    "broken", ["resources :a do do do", "get '/x', to:", "draw :missing", "def a; a; end\na", "\x00"]
)
def test_a_broken_line_leaves_the_others(checkout: Checkout, broken: str) -> None:
    files = {
        "one/config/routes.rb": f"Rails.application.routes.draw do\n{broken}\nend\n",
        "two/config/routes.rb": "Rails.application.routes.draw do\n  get '/good', to: 'y#z'\nend\n",
    }
    assert "/good" in {route.path for route in discover(checkout(files)).routes}


def test_optional_parts_and_normal_paths() -> None:
    assert variants("/a(/b(/:c))") == ["/a", "/a/b", "/a/b/{c}"]
    assert variants("/x(.:format)") == ["/x"]
    assert variants("(projects/:id)/search") == ["/search", "projects/{id}/search"]
    assert normal("/users/:id.:ext/*rest") == "/users/{id}.{ext}/{rest*}"
    assert normal("//") == "/"
